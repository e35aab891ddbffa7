"""What is known of a request once it was answered, for whoever keeps a log of requests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from guilder_server.http.auth import Credential
from guilder_server.http.operation import Operation


@dataclass(slots=True)
class Seen:
    """`began` and `ended` are in seconds of a clock that only runs forward. `params` are those that
    were sent, in the types of the contract if they were good, and `size` the bytes that they came
    in. `answer` is None for one that was sent in pieces, and `status` 0 when nothing was answered.
    """

    id: str
    method: str
    path: str
    began: float = field(default_factory=time.monotonic)
    operation: Operation | None = None
    credential: Credential | None = None
    admitted: bool = False
    address: str | None = None
    version: str | None = None
    idempotency_key: str | None = None
    params: dict[str, Any] | None = None
    size: int = 0
    status: int = 0
    answer: bytes | None = None
    ended: float = 0.0


class Recorder(Protocol):
    def record(self, seen: Seen) -> None:
        """Told of each request with a good credential, after its answer. It must not wait for
        anything, and never fails."""
