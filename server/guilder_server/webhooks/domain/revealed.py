"""An endpoint in the one answer that shows its secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from guilder_server.webhooks.domain.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Revealed:
    endpoint: Endpoint
    secret: str = field(repr=False)
