"""Slowing down whoever guesses, or asks without end: so many at once, then one in a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from guilder_server.tenancy import remember

BURST = 20
EVERY_S = 6.0


class Guesses:
    """Counts, in this process alone, by whom: failures by a client's name seen from one address, so
    that nobody is slowed down for the failures of another one."""

    def __init__(
        self,
        elapsed: Callable[[], float] = time.monotonic,
        *,
        burst: int = BURST,
        every_s: float = EVERY_S,
    ) -> None:
        self._elapsed = elapsed
        self._burst, self._every_s = burst, every_s
        # When each would have nothing left that counts.
        self._clear_at: dict[str, float] = {}

    def wait_s(self, who: str) -> float:
        """For how long they may not try; 0 if they may now."""
        now = self._elapsed()
        return max(0.0, self._clear_at.get(who, now) - now - (self._burst - 1) * self._every_s)

    def count(self, who: str) -> None:
        now = self._elapsed()
        remember(self._clear_at, who, max(self._clear_at.get(who, now), now) + self._every_s)
