"""Business time comes from a clock that is handed in, so that a test can move it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant: aware, UTC, microseconds."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is moved."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


def at(seconds: int) -> datetime:
    """The instant that the wire writes as so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def unix(instant: datetime) -> int:
    """Whole seconds since 1970, as the wire writes time."""
    return int(instant.timestamp())
