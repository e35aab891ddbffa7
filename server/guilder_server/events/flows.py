"""The events of an account, for callers of the API and for whoever carries them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from guilder_server.events.domain.event import Event, Told
from guilder_server.events.ports import EventStore, Recipients
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class Events:
    """Events with the number of endpoints that have not received them yet."""

    def __init__(self, store: EventStore, recipients: Recipients) -> None:
        self._store, self._recipients = store, recipients

    async def find(self, tenant: Tenant, id: str) -> Told | None:
        event = await self._store.find(tenant, id)
        if event is None:
            return None
        pending = await self._recipients.pending(tenant, [id])
        return Told(event, pending.get(id, 0))

    async def page(
        self,
        tenant: Tenant,
        query: ListQuery,
        types: Sequence[str],
        *,
        delivered: bool | None = None,
    ) -> Page:
        page = await self._store.page(tenant, query, types, delivered=delivered)
        events = [event for event in page.items if isinstance(event, Event)]
        pending = await self._recipients.pending(tenant, [event.id for event in events])
        told = [Told(event, pending.get(event.id, 0)) for event in events]
        return Page(told, page.has_more)


class News:
    """Events for whoever carries them out; `encode` makes the bytes that are sent."""

    def __init__(self, store: EventStore, encode: Callable[[Told, Tenant], bytes]) -> None:
        self._store, self._encode = store, encode

    async def find(self, tenant: Tenant, id: str) -> Event | None:
        return await self._store.find(tenant, id)

    async def between(
        self, tenant: Tenant, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Event]:
        return await self._store.between(tenant, since, until, after, limit)

    async def body(self, tenant: Tenant, id: str, pending: int) -> bytes | None:
        event = await self._store.find(tenant, id)
        return None if event is None else self._encode(Told(event, pending), tenant)
