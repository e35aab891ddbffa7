"""The log of deliveries, and sending again what was sent before."""

from __future__ import annotations

from datetime import datetime

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.domain import delivery as rules
from guilder_server.webhooks.domain import replay
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.flows.endpoints import Endpoints, refuse_disabled
from guilder_server.webhooks.ports import News, WebhookStore


class Deliveries:
    def __init__(
        self, store: WebhookStore, endpoints: Endpoints, news: News, ids: Ids, clock: Clock
    ) -> None:
        self._store, self._endpoints, self._news = store, endpoints, news
        self._ids, self._clock = ids, clock

    async def retrieve(self, tenant: Tenant, id: str) -> Delivery:
        found = await self._store.delivery(tenant, id)
        if found is None:
            raise NotFound(rules.NOUN, id, "delivery")
        return found

    async def to_endpoint(
        self, tenant: Tenant, endpoint_id: str, query: ListQuery, status: str | None
    ) -> Page:
        await self._endpoints.retrieve(tenant, endpoint_id)
        return await self._store.deliveries_to(tenant, endpoint_id, query, status)

    async def of_event(self, tenant: Tenant, event_id: str, query: ListQuery) -> Page:
        if await self._news.find(tenant, event_id) is None:
            raise NotFound("event", event_id, "id")
        return await self._store.deliveries_of(tenant, event_id, query)

    async def retry(self, tenant: Tenant, event_id: str, endpoint_id: str) -> Done:
        """Send one event to one endpoint, now."""
        event = await self._news.find(tenant, event_id)
        if event is None:
            raise NotFound("event", event_id, "id")
        endpoint = await self._endpoints.referred(tenant, endpoint_id)
        id = rules.delivery_id(event_id, endpoint.id)
        before, now = await self._store.delivery(tenant, id), self._clock.now()
        changes = Changes(tenant)
        if before is None:
            after = rules.first(event.id, event.type, event.created, endpoint.id, now)
        else:
            after = rules.again(before, now)
        return Done(changes.save(before, after), changes)

    async def start_replay(
        self,
        tenant: Tenant,
        endpoint_id: str,
        since: datetime,
        until: datetime | None,
        *,
        only_failed: bool,
    ) -> Done:
        endpoint = await self._endpoints.retrieve(tenant, endpoint_id)
        refuse_disabled(endpoint, None)
        now = self._clock.now()
        until = min(until or now, now)
        if since >= until:
            raise InvalidRequest(
                "parameter_invalid",
                "The stretch of time is empty: since must lie in the past and before until.",
                "since",
            )
        changes = Changes(tenant)
        made = Replay(self._ids.new("whrp"), 1, now, endpoint.id, since, until, only_failed)
        return Done(changes.add(made), changes)

    async def replay(self, tenant: Tenant, endpoint_id: str, id: str) -> Replay:
        found = await self._store.replay(tenant, id)
        if found is None or found.endpoint_id != endpoint_id:
            raise NotFound(replay.NOUN, id, "replay")
        return found

    async def replays(self, tenant: Tenant, endpoint_id: str, query: ListQuery) -> Page:
        await self._endpoints.retrieve(tenant, endpoint_id)
        return await self._store.replays(tenant, endpoint_id, query)
