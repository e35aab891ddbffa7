"""A request as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

NOUN = "request log"


@dataclass(frozen=True, slots=True)
class RequestLog:
    """`id` is the request's, `created` when it came in. `content` is a snapshot of its parameters
    and its answer, with nothing in it that must not be kept."""

    id: str
    created: datetime
    method: str
    path: str
    operation: str
    status: int
    latency_ms: int
    actor_kind: str
    actor_id: str
    address: str | None
    idempotency_key: str | None
    api_version: str | None
    error_code: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are asked for; None: any."""

    status: int | None = None
    method: str | None = None
    path: str | None = None
    actor_id: str | None = None
    idempotency_key: str | None = None
