"""What was found in the database, remembered for a moment.

What is not there is remembered apart from what is, and for less long, so that a flood of invented
keys makes neither the memory grow nor a real key be forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")

# What is revoked, suspended or closed is refused within this time.
KNOWN_FOR_S = 5.0
UNKNOWN_FOR_S = 1.0
MOST_REMEMBERED = 10_000


class Remembered(Generic[K, V]):
    def __init__(
        self,
        find: Callable[[K], Awaitable[V | None]],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._elapsed = find, elapsed
        self._known: dict[K, tuple[float, V]] = {}
        self._unknown: dict[K, float] = {}

    async def get(self, key: K) -> V | None:
        now = self._elapsed()
        remembered = self._known.get(key)
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        if self._unknown.get(key, 0.0) > now:
            return None
        found = await self._find(key)
        if found is None:
            remember(self._unknown, key, now + UNKNOWN_FOR_S)
        else:
            remember(self._known, key, (now + KNOWN_FOR_S, found))
        return found


def remember(memory: dict[K, T], key: K, value: T) -> None:
    """As the newest entry; the oldest one makes room."""
    memory.pop(key, None)
    while len(memory) >= MOST_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
