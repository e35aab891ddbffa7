"""How many requests are under way: of one account, and of this process as a whole.

When the process nears what it can carry, it refuses everything but payments, so that a fifth of it
is theirs. Only when that is used up too are payments refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from math import ceil

from guilder_server.http.errors import Throttled
from guilder_server.http.limits.classes import OperationClass

_FOR_PAYMENTS = 0.2
# A loop that was late as often as this in a row has more to do than it can.
_EVERY_S, _LATE_S, _LOOKS = 0.05, 0.2, 8


class Pulse:
    """Looks at the event loop: whether what is due comes late, each time."""

    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0], maxlen=_LOOKS)
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def overloaded(self) -> bool:
        return len(self._late) == _LOOKS and min(self._late) > _LATE_S

    def start(self) -> None:
        self._due = time.monotonic() + _EVERY_S
        self._timer = asyncio.get_running_loop().call_later(_EVERY_S, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self.seen(time.monotonic() - self._due)
        self.start()

    def seen(self, late_s: float) -> None:
        self._late.append(late_s)


class Crowd:
    """`most` is how many requests this process carries; 0 is no limit. An account's share of its
    own limit is that of one of `processes`."""

    def __init__(self, most: int, processes: int, pulse: Pulse) -> None:
        self._most, self._processes, self.pulse = most, processes, pulse
        self._for_others = most - ceil(most * _FOR_PAYMENTS)
        self._of: dict[int, int] = {}
        self.all = 0

    def enter(self, tenant: int, at_once: int, operation_class: OperationClass) -> None:
        """Raises Throttled. Whoever enters must leave."""
        if operation_class != "payments" and self._busy():
            raise _shed("The server is at its limit, and keeps the rest for payments.")
        if self._most and self.all >= self._most:
            raise _shed("The server carries as many requests as it can.")
        here = self._of.get(tenant, 0)
        if at_once and here >= max(1, at_once // self._processes):
            raise Throttled(
                f"Too many requests of this account are under way: {at_once} may be at once. "
                "Wait for some of them to be answered.",
                "global-concurrency",
            )
        self._of[tenant] = here + 1
        self.all += 1

    def leave(self, tenant: int) -> None:
        self.all -= 1
        left = self._of[tenant] - 1
        if left:
            self._of[tenant] = left
        else:
            del self._of[tenant]

    def _busy(self) -> bool:
        full = bool(self._most) and self.all >= self._for_others
        return full or self.pulse.overloaded


def _shed(why: str) -> Throttled:
    return Throttled(f"{why} Nothing was done; try again in a moment.", "endpoint-concurrency")
