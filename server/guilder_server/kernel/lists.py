"""What a caller asks of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CreatedRange:
    """Bounds on the time of creation; each may be open."""

    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A page of at most `limit`, newest first, after or before the object that a cursor names."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created: CreatedRange | None = None
