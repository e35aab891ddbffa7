"""Who comes with keys, sessions or links that do not exist: so many from one address, and they are
no longer looked up. What was good a moment ago is let in from there all the same, since many
callers may stand behind one address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from guilder_server.http.errors import Throttled
from guilder_server.http.limits.gcra import LocalBuckets
from guilder_server.http.limits.plans import Quota
from guilder_server.kernel.errors import Forbidden, Unauthenticated
from guilder_server.kernel.neighbours import neighbourhood

_BURST_S = 10
_GOOD_FOR_S = 60.0
MOST_KNOWN = 10_000


class Strangers:
    """`per_second` is how many keys, sessions and links that do not exist one address may try; 0 is
    no limit."""

    def __init__(self, per_second: int, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        interval = 1_000_000 // per_second if per_second else 0
        self._quota = Quota(interval, interval * per_second * _BURST_S)
        self._tries = LocalBuckets(lambda: int(elapsed() * 1_000_000), MOST_KNOWN)
        self._refused: dict[str, float] = {}
        # Of a key only its hash, which is another one in each process.
        self._good: dict[int, float] = {}

    @contextmanager
    def watched(self, address: str | None, authorization: str | None) -> Iterator[None]:
        """Around finding out who calls. Raises Throttled instead of Unauthenticated, and before
        anything is looked up, once too many have failed."""
        if not self._quota.interval or address is None:
            yield
            return
        if self._refused:
            self._turn_away(address, authorization)
        try:
            yield
        except Unauthenticated:
            self._failed(address)
            raise
        self.vouch(authorization)

    def vouch(self, authorization: str | None) -> None:
        """This is good, for whoever was just given it too."""
        _put(self._good, hash(authorization), self._elapsed() + _GOOD_FOR_S)

    @contextmanager
    def keeping_out(self, address: str | None) -> Iterator[None]:
        """Around refusing a good key for where it comes from, or a link for what became of it.
        Raises Throttled instead of Forbidden once that has been too often."""
        try:
            yield
        except Forbidden:
            if self._quota.interval and address is not None:
                self._failed(address)
            raise

    def _turn_away(self, address: str, authorization: str | None) -> None:
        now, whence = self._elapsed(), neighbourhood(address)
        until = self._refused.get(whence)
        if until is None:
            return
        if until <= now:
            del self._refused[whence]
        elif self._good.get(hash(authorization), 0.0) <= now:
            raise _too_many(until - now)

    def _failed(self, address: str) -> None:
        whence = neighbourhood(address)
        wait_s = self._tries.take(whence, self._quota) / 1_000_000
        if wait_s:
            _put(self._refused, whence, self._elapsed() + wait_s)
            raise _too_many(wait_s) from None


def _put(memory: dict[int, float] | dict[str, float], key: int | str, value: float) -> None:
    kept: dict[int | str, float] = memory  # type: ignore[assignment]
    kept.pop(key, None)
    if len(kept) >= MOST_KNOWN:
        del kept[next(iter(kept))]
    kept[key] = value


def _too_many(wait_s: float) -> Throttled:
    return Throttled(
        "Too many requests without a valid API key, session or link come from this address. Try "
        "again after the time in Retry-After.",
        "global-rate",
        wait_s,
    )
