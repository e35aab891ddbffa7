"""A notice: a quota of which four fifths, or all, are used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.usage.domain.meters import Meter, Percent

REACHED = "usage.quota_reached"


@dataclass(frozen=True)
class Notice:
    """There is one for each meter and mark in a month, however often it is reached. `used` is how
    much it was when the notice was written."""

    id: str
    version: int
    created: datetime
    month: str
    meter: Meter
    percent: Percent
    used: int
    quota: int
    hard: bool
    plan: str
