"""Lanes: each endpoint has its own, so that one that is slow holds up nobody but itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.ports import Due, Place, Target

# From two at once to eight in a second and a half.
_AT_FIRST = 2
_GROWS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests may be under way at once, and how many deliveries a lane reads ahead."""

    per_endpoint: int = 8
    per_tenant: int = 128
    total: int = 512
    ahead: int = 128


class Lane:
    """The deliveries of one endpoint that this process has in hand.

    `allowed` is how many may be under way. It begins with two and grows while deliveries are
    taken: what is under way when a worker is killed will be sent twice, and a worker that is
    killed again and again should not do that to many. An endpoint that does not answer is asked
    less and less, down to one at a time.
    """

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        self.place: Place = (target.tenant.id, target.endpoint.id)
        self.running = 0
        self.allowed, self._most = _AT_FIRST, limits.per_endpoint
        self._grown = time.monotonic()
        self.slow = False
        self._ahead = limits.ahead
        self._backlog: deque[Due] = deque()
        self._known: set[str] = set()
        # Settled while the database was being asked: its answer may still name them.
        self._just_settled: set[str] = set()
        self._more = False
        self._used = time.monotonic()
        # The last reply of which its endpoint has not been told.
        self._unnoted: Reply | None = None
        self.noting = False

    @property
    def ready(self) -> bool:
        """Whether the endpoint itself could be sent another delivery now."""
        return bool(self._backlog) and self.running < self.allowed

    @property
    def has_backlog(self) -> bool:
        return bool(self._backlog)

    @property
    def full(self) -> bool:
        """Whether there is enough in hand for now."""
        return len(self._backlog) > self._ahead // 2

    @property
    def reads_on(self) -> bool:
        """Whether the database is to be asked for more."""
        return self.target.endpoint.enabled and not self.full

    @property
    def hungry(self) -> bool:
        """Whether it is time to read further."""
        return self._more and not self.full

    @property
    def idle_s(self) -> float:
        """For how long there has been nothing to do."""
        return 0.0 if self._known else time.monotonic() - self._used

    def wanted(self) -> int:
        """How many to ask the database for: what is in hand comes first in its answer."""
        self._just_settled = set()
        return len(self._known) + max(0, self._ahead - len(self._backlog))

    def take(self, found: Iterable[Due], wanted: int) -> None:
        """What the database answered, when it was asked for `wanted`."""
        count = 0
        for due in found:
            count += 1
            if due.id not in self._known and due.id not in self._just_settled:
                self._known.add(due.id)
                self._backlog.append(due)
        self._more = count >= wanted

    def next(self) -> Due:
        self.running += 1
        return self._backlog.popleft()

    def ended(self, reply: Reply | None) -> None:
        """A request has ended; None if it was not sent."""
        self.running -= 1
        if reply is None:
            return
        if reply.status is None:
            self.allowed, self.slow = max(1, self.allowed // 2), True
        elif reply.success:
            self.slow = False
            self._grow()

    def _grow(self) -> None:
        now = time.monotonic()
        if now - self._grown >= _GROWS_EVERY_S and self.allowed < self._most:
            self.allowed, self._grown = self.allowed + 1, now

    def remember(self, reply: Reply) -> None:
        """To be noted: a later reply says more than an earlier one, and "gone" most of all."""
        if self._unnoted is None or not self._unnoted.gone:
            self._unnoted = reply

    def unnoted(self) -> Reply | None:
        """What is to be noted now; None if it would change nothing."""
        reply, self._unnoted = self._unnoted, None
        endpoint = self.target.endpoint
        if reply is None or not endpoint.enabled:
            return None
        return None if reply.success and endpoint.failing_since is None else reply

    def settled(self, id: str) -> None:
        """What became of it is in the database."""
        self._known.discard(id)
        self._just_settled.add(id)
        self._used = time.monotonic()

    def drop(self) -> None:
        """Forget what has not been begun."""
        for due in self._backlog:
            self._known.discard(due.id)
        self._backlog.clear()
        self._more = False
