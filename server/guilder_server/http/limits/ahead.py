"""Letting requests in before Redis was asked, where there is room enough to be sure of it.

Whoever is far from their limits need not wait for the verdict: they are let in, and counted in
Redis within a second, together with others. What all processes may let in like this is at most a
quarter of what a bucket was seen to have left, and it is counted in any case, so that a bucket
which others emptied meanwhile owes it: over a longer time no more is let through than without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guilder_server.http.limits.gcra import Verdict, Wish
from guilder_server.http.limits.plans import Quota

# Of what is left in a bucket, for all processes together.
_PART = 4
# After so long it is looked at again what the others have left.
GOOD_FOR_US = 10_000_000
_MOST_KNOWN = 20_000


@dataclass(slots=True)
class _Room:
    """What may be let in ahead, and what the buckets have left as far as is known. Under another
    quota, as of another plan, it says nothing."""

    quota: Quota
    until: int
    left: int
    remaining: int


class Ahead:
    """What one of `processes` may let in before it asks, for each bucket."""

    def __init__(self, processes: int, now: Callable[[], int]) -> None:
        self._divided_by = _PART * processes
        self._now = now
        self._rooms: dict[str, _Room] = {}

    def take(self, wish: Wish) -> int | None:
        """How many more would be let through, if this one is: it must then be counted soon.
        None if Redis has to say."""
        own, together = self._rooms.get(wish.key), self._rooms.get(wish.account)
        if own is None or together is None or not own.left or not together.left:
            return None
        now = self._now()
        if own.until <= now or together.until <= now or own.quota != wish.quota:
            return None
        own.left -= 1
        together.left -= 1
        own.remaining = max(0, own.remaining - 1)
        return own.remaining

    def note(self, wish: Wish, verdict: Verdict) -> None:
        """What Redis said of the two buckets. `remaining` is by the tighter one, which is right
        for that and less than there is for the other."""
        left = verdict.remaining // self._divided_by
        until = self._now() + GOOD_FOR_US
        for bucket in (wish.key, wish.account):
            self._rooms.pop(bucket, None)
            if left:
                if len(self._rooms) >= _MOST_KNOWN:
                    del self._rooms[next(iter(self._rooms))]
                self._rooms[bucket] = _Room(wish.quota, until, left, verdict.remaining)

    def forget(self) -> None:
        self._rooms.clear()
