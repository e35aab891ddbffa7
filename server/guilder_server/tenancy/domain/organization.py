"""An organization: whoever accounts belong to, such as a company with several brands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

NOUN = "organization"


@dataclass(frozen=True)
class Organization:
    id: str
    version: int
    created: datetime
    name: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
