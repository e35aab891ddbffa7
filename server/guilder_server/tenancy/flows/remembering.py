"""What was found in the database, remembered for a moment.

What is not there is remembered apart from what is, and for less long, so that a flood of invented
keys makes neither the memory grow nor a real key be forgotten.

What is in use is looked up again before it is forgotten, many together: with a thousand keys in
use each would else be asked for by itself, every few seconds, by a request that waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")

# What is revoked, suspended or closed is refused within this time.
KNOWN_FOR_S = 5.0
UNKNOWN_FOR_S = 1.0
MOST_REMEMBERED = 10_000

# Looking again has this long before something is forgotten: a look is due each second.
_AHEAD_S = 2.0
RENEWED_EVERY_S = 1
# What was not used for so long is forgotten. One that is asked for by itself costs as much as some
# ten that are looked up together, so more patience would not pay.
_IN_USE_FOR_S = 20.0
# At once, so that no request waits for long behind them: some two milliseconds of a process.
_TOGETHER = 100


@dataclass(slots=True)
class _Known(Generic[V]):
    value: V
    until: float
    used: float


class Remembered(Generic[K, V]):
    def __init__(
        self,
        find: Callable[[K], Awaitable[V | None]],
        find_all: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._find_all, self._elapsed = find, find_all, elapsed
        self._known: dict[K, _Known[V]] = {}  # in the order in which they will be forgotten
        self._unknown: dict[K, float] = {}

    def recall(self, key: K) -> V | None:
        """What is remembered to be there."""
        known, now = self._known.get(key), self._elapsed()
        if known is None or known.until <= now:
            return None
        known.used = now
        return known.value

    async def get(self, key: K) -> V | None:
        if (recalled := self.recall(key)) is not None:
            return recalled
        now = self._elapsed()
        if self._unknown.get(key, 0.0) > now:
            return None
        found = await self._find(key)
        self._remember(key, found, now, used=now)
        return found

    async def renew(self) -> int:
        """Looks up what is in use and will be forgotten soon; how many. Due every RENEWED_EVERY_S.

        What cannot be looked up now is forgotten at its time, and its error raised once all had
        their turn."""
        due = self._due()
        failed: Exception | None = None
        for start in range(0, len(due), _TOGETHER):
            try:
                await self._look_again(due[start : start + _TOGETHER])
            except Exception as error:  # noqa: BLE001 - the others have their turn before it is told
                failed = error
        if failed is not None:
            raise failed
        return len(due)

    def _due(self) -> list[K]:
        """Leaves out, and forgets, what is over."""
        now = self._elapsed()
        due: list[K] = []
        over: list[K] = []
        for key, known in self._known.items():
            if known.until - now > _AHEAD_S:
                break
            if now - known.used < _IN_USE_FOR_S:
                due.append(key)
            elif known.until <= now:
                over.append(key)
        for key in over:
            del self._known[key]
        return due

    async def _look_again(self, keys: Sequence[K]) -> None:
        began = self._elapsed()
        found = await self._find_all(keys)
        for key in keys:
            known = self._known.get(key)
            if known is not None:
                self._remember(key, found.get(key), began, used=known.used)

    def _remember(self, key: K, found: V | None, asked: float, used: float) -> None:
        """What the database said to a question of that time."""
        if found is None:
            self._known.pop(key, None)
            remember(self._unknown, key, asked + UNKNOWN_FOR_S)
        else:
            remember(self._known, key, _Known(found, asked + KNOWN_FOR_S, used))


def remember(memory: dict[K, T], key: K, value: T) -> None:
    """As the newest entry; the oldest one makes room."""
    memory.pop(key, None)
    while len(memory) >= MOST_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
