"""GCRA, the leaky bucket that is one number: the instant at which a bucket will be empty.

In any time t a bucket lets through no more than its burst and t ÷ interval. The same rule as in
`shared.py`, kept by this process alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from guilder_server.http.limits.plans import Quota

MOST_BUCKETS = 50_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that asks its key's bucket and its account's: it is let through by both, or is
    counted in neither."""

    key: str
    quota: Quota
    account: str
    account_quota: Quota


class Verdict(NamedTuple):
    """`refused_by` is 0 for a request that is let through, 1 for its key's bucket, 2 for its
    account's. `wait` is in microseconds, until it would be let through. `remaining` is how many
    more would be now, by the tighter of the two."""

    refused_by: int
    wait: int
    remaining: int


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class LocalBuckets:
    """Buckets in memory. There are never more than `most`: those that were not used for longest
    make room, and then begin empty again."""

    def __init__(self, now: Callable[[], int] = monotonic_us, most: int = MOST_BUCKETS) -> None:
        self._now, self._most = now, most
        self._empty_at: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._empty_at)

    def judge(self, wish: Wish) -> Verdict:
        now = self._now()
        first = self._filled(wish.key, wish.quota, now)
        second = self._filled(wish.account, wish.account_quota, now)
        if (over := first - wish.quota.depth) > 0:
            return Verdict(1, over, 0)
        if (over := second - wish.account_quota.depth) > 0:
            return Verdict(2, over, 0)
        self._keep(wish.key, now + first)
        self._keep(wish.account, now + second)
        left = (wish.quota.depth - first) // wish.quota.interval
        account_left = (wish.account_quota.depth - second) // wish.account_quota.interval
        return Verdict(0, 0, min(left, account_left))

    def take(self, key: str, quota: Quota) -> int:
        """One from a single bucket: 0, or the microseconds to wait."""
        now = self._now()
        filled = self._filled(key, quota, now)
        if filled > quota.depth:
            return filled - quota.depth
        self._keep(key, now + filled)
        return 0

    def _filled(self, key: str, quota: Quota, now: int) -> int:
        """How full the bucket would be with one more."""
        return max(0, self._empty_at.get(key, now) - now) + quota.interval

    def _keep(self, key: str, empty_at: int) -> None:
        self._empty_at.pop(key, None)
        if len(self._empty_at) >= self._most:
            del self._empty_at[next(iter(self._empty_at))]
        self._empty_at[key] = empty_at
