"""The operations on events."""

from __future__ import annotations

from guilder_server.events.domain.event import Told
from guilder_server.events.flows import Events
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.steps import Page


class EventsApi:
    def __init__(self, events: Events) -> None:
        self._events = events

    async def retrieve_event(self, call: Call) -> Told:
        event = await self._events.find(call.tenant, call.path["id"])
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
        return await self._events.page(
            call.tenant, list_query(call), wanted, delivered=call.params.get("delivery_success")
        )
