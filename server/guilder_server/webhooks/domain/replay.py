"""A replay: the events of a stretch of time, put on their way to one endpoint again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

NOUN = "webhook replay"

Status = Literal["pending", "completed", "canceled"]


@dataclass(frozen=True)
class Replay:
    """`events` have been put on their way so far, the last of which was `cursor`."""

    id: str
    version: int
    created: datetime
    endpoint_id: str
    since: datetime
    until: datetime
    only_failed: bool
    status: Status = "pending"
    events: int = 0
    cursor: str | None = None
