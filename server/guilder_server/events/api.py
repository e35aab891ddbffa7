"""The operations on events."""

from __future__ import annotations

from guilder_server.events.domain.event import Event
from guilder_server.events.ports import EventStore
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.steps import Page


class EventsApi:
    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def retrieve_event(self, call: Call) -> Event:
        event = await self._store.find(call.tenant, call.path["id"])
        if event is None:
            raise NotFound("event", call.path["id"], "id")
        return event

    async def list_events(self, call: Call) -> Page:
        type, types = call.params.get("type"), call.params.get("types", [])
        if type and types:
            raise InvalidRequest(
                "parameter_invalid", "You may send type or types, not both.", "types"
            )
        wanted = [type] if type else types
        return await self._store.page(call.tenant, list_query(call), wanted)
