"""An event as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The version whose shapes Guilder speaks: that of the newest official clients.
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Event:
    """`payload` is a snapshot of JSON: `data` with the object, and `request` that caused it.

    `sequence` grows with each event of the same object, with gaps.
    """

    id: str
    type: str
    created: datetime
    object_id: str
    payload: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the number of endpoints that have not received it yet."""

    event: Event
    pending_webhooks: int
