"""The events of an account as they happen, by asking for them again and again.

An event gets its id before it is committed, so one with a smaller id may come into sight after
one with a larger id: a bare cursor would pass it over. Instead, everything after a horizon is
read each time, and what was seen before is left out. The horizon is the newest event that is old
enough for all before it to have been committed or lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from guilder_server.commands.desk.api_address import NoAddress, Whereabouts
from guilder_server.commands.desk.api_client import Answer, ApiClient, Params
from guilder_server.commands.desk.api_trouble import Refused, Unreachable

_OVERLAP_S = 10  # no commit takes this long
_PAGE = 100
_EVERY_S = 0.3
_FIRST_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 10.0  # when the server says that it has too much to do
_LONGEST_ABSENCE_S = 1.0  # between two knocks at a door that nobody opens

Event = dict[str, Any]
T = TypeVar("T")


class EventStream:
    """`types` are those of the API: exact, or with a `*` at the end; none means all. `notice` is
    told, once each time, when the server goes away and when it is back."""

    def __init__(
        self,
        whereabouts: Whereabouts,
        types: Sequence[str],
        notice: Callable[[str], None],
        purpose: str,
    ) -> None:
        self._whereabouts = whereabouts
        self._purpose = purpose
        self._notice = notice
        self._api = ApiClient(whereabouts.find(), purpose)
        self._types: Params = [("types[]", each) for each in types]
        self._since = 0  # where reading starts while there is no horizon
        self._horizon: str | None = None
        self._cursor: str | None = None  # how far reading has come on its way from the horizon
        self._passed = ""  # the farthest horizon there was
        self._seen: dict[str, int] = {}  # what lies beyond the horizon, and when it happened
        self._away = False

    async def begin(self, *, skip_old: bool = True, old: int = 0) -> list[Event]:
        """Start with what happens from now on; the answer is the `old` newest events before. A
        server that is not there is an error now, and later is waited for."""
        if not skip_old:
            return []
        answer = await self._patiently(self._newest, absent=False)
        found: list[Event] = answer.body["data"]
        self._since = int(answer.now) - _OVERLAP_S
        while answer.body["has_more"] and found[-1]["created"] >= self._since:
            answer = await self._newest(found[-1]["id"])
            found += answer.body["data"]
        self._remember(found, answer.now)
        return found[:old][::-1]

    async def events(self) -> AsyncIterator[Event]:
        """For ever; within one reading in the order of their ids."""
        while True:
            fresh, more = await self._patiently(self._read)
            for event in fresh:
                yield event
            if not more:
                await asyncio.sleep(_EVERY_S)

    async def close(self) -> None:
        await self._api.close()

    async def _newest(self, before: str | None = None) -> Answer:
        params = [("limit", _PAGE), *self._types]
        if before is not None:
            params.append(("starting_after", before))
        return await self._api.get("/v1/events", params)

    async def _read(self) -> tuple[list[Event], bool]:
        """What has come into sight, and whether there is more to be read at once."""
        cursor = self._cursor or self._horizon
        if cursor is None:
            return await self._read_all(), False
        params: Params = [("limit", _PAGE), ("ending_before", cursor), *self._types]
        answer = await self._api.get("/v1/events", params)
        page: list[Event] = answer.body["data"][::-1]
        more = bool(answer.body["has_more"]) and bool(page)
        fresh = self._remember(page, answer.now)
        self._cursor = page[-1]["id"] if more else None
        return fresh, more

    async def _read_all(self) -> list[Event]:
        """Without a horizon there are no forward pages, so it is page after page into the past."""
        found: list[Event] = []
        params: Params = [("limit", _PAGE), ("created[gte]", max(0, self._since)), *self._types]
        answer = await self._api.get("/v1/events", params)
        now = answer.now
        found += answer.body["data"]
        while answer.body["has_more"]:
            last = found[-1]["id"]
            answer = await self._api.get("/v1/events", [*params, ("starting_after", last)])
            found += answer.body["data"]
        return self._remember(found[::-1], now)

    def _remember(self, events: list[Event], now: float) -> list[Event]:
        """Those that are new; and the horizon comes as near as it may."""
        fresh = [
            event
            for event in events
            if event["id"] > self._passed and event["id"] not in self._seen
        ]
        self._seen.update((event["id"], event["created"]) for event in fresh)
        settled = [id for id, created in self._seen.items() if created < now - _OVERLAP_S]
        if settled:
            self._horizon = self._passed = max(settled)
            self._since = self._seen[self._horizon]
            self._seen = {id: at for id, at in self._seen.items() if id > self._horizon}
        return fresh

    async def _patiently(self, ask: Callable[[], Awaitable[T]], *, absent: bool = True) -> T:
        """`ask` until it is answered. `absent` tells whether nobody at home is to be waited for."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                answer = await ask()
            except Unreachable as trouble:
                if not absent:
                    raise
                self._say_away(f"does not answer ({trouble.why})")
                await asyncio.sleep(min(pause, _LONGEST_ABSENCE_S))
                await self._follow()
            except Refused as refusal:
                if self._lost_its_place(refusal):
                    continue
                if not refusal.passing:
                    raise
                self._say_away(f"answers {refusal.status}")
                await asyncio.sleep(max(pause, min(refusal.wait_s or 0, 60)))
            else:
                if self._away:
                    self._away = False
                    self._notice(f"{self._api.address.api_base} answers again.")
                return answer
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    def _say_away(self, how: str) -> None:
        if not self._away:
            self._away = True
            self._notice(
                f"{self._api.address.api_base} {how}; waiting. "
                "What happens meanwhile comes when it answers again."
            )

    async def _follow(self) -> None:
        """`guilder dev` may have come back elsewhere."""
        try:
            address = self._whereabouts.find()
        except NoAddress:
            return
        if address == self._api.address:
            return
        if address.api_key != self._api.address.api_key:
            raise NoAddress(
                "There is another account in the development folder now, with another key; "
                "start this command again."
            )
        await self._api.close()
        self._api = ApiClient(address, self._purpose)

    def _lost_its_place(self, refusal: Refused) -> bool:
        """Events are not kept for ever: the one at the horizon may be gone after a quiet month."""
        lost = refusal.status == 400 and refusal.error.get("param") == "ending_before"
        if lost:
            self._horizon = self._cursor = None
        return lost
