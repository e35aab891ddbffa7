"""What the server forgets of people when it is of no more use."""

from __future__ import annotations

from datetime import timedelta

from guilder_server.kernel.clock import Clock
from guilder_server.people.ports import PeopleStore

# So long after its end it is still known when a session was.
SESSIONS_KEPT = timedelta(days=30)
STATES_KEPT = timedelta(days=1)


class PeopleJobs:
    def __init__(self, store: PeopleStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def forget(self) -> int:
        now = self._clock.now()
        return await self._store.prune(now - SESSIONS_KEPT, now - STATES_KEPT)
