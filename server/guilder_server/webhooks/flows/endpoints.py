"""Endpoints: making, changing, rolling their secrets, and what attempts make of them."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from guilder_server.kernel import metadata
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page, Tombstone
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.domain import endpoint as rules
from guilder_server.webhooks.domain import signatures
from guilder_server.webhooks.domain.endpoint import KIND, NOUN, TEST, Endpoint
from guilder_server.webhooks.domain.replay import Replay, missed
from guilder_server.webhooks.domain.revealed import Revealed
from guilder_server.webhooks.domain.urls import check_url
from guilder_server.webhooks.ports import Network, Safe, WebhookStore


class Endpoints:
    """`limit` is how many a tenant may have; `loopback` lets test mode send to this machine."""

    def __init__(
        self,
        store: WebhookStore,
        safe: Safe,
        network: Network,
        ids: Ids,
        clock: Clock,
        *,
        limit: int,
        loopback: bool,
    ) -> None:
        self._store, self._safe, self._network = store, safe, network
        self._ids, self._clock = ids, clock
        self._limit, self._loopback = limit, loopback

    def loopback(self, tenant: Tenant) -> bool:
        """Whether plain http and this machine are allowed for the tenant's endpoints."""
        return self._loopback and not tenant.livemode

    async def create(self, tenant: Tenant, params: Mapping[str, Any]) -> Done:
        url = await self._checked(tenant, params["url"])
        slot = await self._free_slot(tenant)
        id, key = self._ids.new("we"), os.urandom(signatures.KEY_BYTES)
        changes = Changes(tenant)
        endpoint = changes.add(
            Endpoint(
                id=id,
                version=1,
                created=self._clock.now(),
                url=url,
                enabled_events=_distinct(params["enabled_events"]),
                description=params.get("description") or None,
                metadata=metadata.merge({}, params.get("metadata")),
                api_version=params.get("api_version"),
                connect=params.get("connect", False),
                secret=self._safe.seal(key, _purpose(tenant, id)),
                slot=slot,
            )
        )
        return Done(Revealed(endpoint, signatures.secret_of(key)), changes)

    async def retrieve(self, tenant: Tenant, id: str) -> Endpoint:
        return await self._existing(tenant, id)

    async def page(self, tenant: Tenant, query: ListQuery) -> Page:
        return await self._store.endpoints(tenant, query)

    async def update(self, tenant: Tenant, id: str, params: Mapping[str, Any]) -> Done:
        before = await self._existing(tenant, id)
        changed: dict[str, Any] = {}
        if "url" in params:
            changed["url"] = await self._checked(tenant, params["url"])
        if "enabled_events" in params:
            changed["enabled_events"] = _distinct(params["enabled_events"])
        if "description" in params:
            changed["description"] = params["description"] or None
        if "metadata" in params:
            changed["metadata"] = metadata.merge(before.metadata, params["metadata"])
        after = replace(before, **changed)
        if params.get("disabled") and before.enabled:
            after = rules.disabled(after, "requested", self._clock.now())
        elif params.get("disabled") is False:
            after = rules.enabled(after)
        changes = Changes(tenant)
        if params.get("replay"):
            for replay in self._missed(before, after):
                changes.add(replay)
        return Done(changes.change(before, after), changes)

    async def delete(self, tenant: Tenant, id: str) -> Done:
        before = await self._existing(tenant, id)
        changes = Changes(tenant)
        changes.change(before, rules.erased(before))
        return Done(Tombstone(id, KIND), changes)

    async def roll(self, tenant: Tenant, id: str, overlap: timedelta) -> Done:
        before = await self._existing(tenant, id)
        now, key = self._clock.now(), os.urandom(signatures.KEY_BYTES)
        sealed = self._safe.seal(key, _purpose(tenant, id))
        changes = Changes(tenant)
        after = changes.change(before, rules.rolled(before, sealed, now + overlap, now))
        return Done(Revealed(after, signatures.secret_of(key)), changes)

    async def test(self, tenant: Tenant, id: str) -> Done:
        before = await self._existing(tenant, id)
        refuse_disabled(before, None)
        changes = Changes(tenant)
        after = changes.touch(before)
        changes.record(TEST, after)
        return Done(after, changes)

    async def note(self, tenant: Tenant, id: str, *, taken: bool, gone: bool) -> Done | None:
        """What an attempt makes of its endpoint; None if nothing."""
        before = await self._store.endpoint(tenant, id)
        if before is None:
            return None
        now = self._clock.now()
        after = rules.recovered(before) if taken else rules.failed(before, now, gone=gone)
        if after is None:
            return None
        changes = Changes(tenant)
        after = changes.change(before, after)
        if not after.enabled and before.enabled:
            changes.record("webhook_endpoint.disabled", after, previous=before)
        return Done(after, changes)

    def secrets(self, tenant: Tenant, endpoint: Endpoint, now: datetime) -> list[str]:
        """What signs at `now`, in clear, the current one first."""
        purpose = _purpose(tenant, endpoint.id)
        sealed = endpoint.secrets(now)
        return [signatures.secret_of(self._safe.open(one, purpose)) for one in sealed]

    async def _existing(self, tenant: Tenant, id: str) -> Endpoint:
        found = await self._store.endpoint(tenant, id)
        if found is None or found.deleted:
            raise NotFound(NOUN, id, KIND)
        return found

    async def referred(self, tenant: Tenant, id: str) -> Endpoint:
        """One that a parameter names, and that takes events."""
        found = await self._store.endpoint(tenant, id)
        if found is None or found.deleted:
            raise NoSuchReference(NOUN, id, KIND)
        refuse_disabled(found, KIND)
        return found

    async def _checked(self, tenant: Tenant, url: str) -> str:
        loopback = self.loopback(tenant)
        checked = check_url(url, livemode=tenant.livemode, loopback=loopback)
        if await self._network.vet(checked, loopback=loopback) is not None:
            raise InvalidRequest(
                "url_invalid",
                "The URL's host leads to an address that is not public. Give one that the "
                "internet can reach.",
                "url",
            )
        return checked

    async def _free_slot(self, tenant: Tenant) -> int:
        taken = await self._store.slots(tenant)
        if free := [slot for slot in range(1, self._limit + 1) if slot not in taken]:
            # Any of them: requests that race would all want the first, and only one could win.
            return random.choice(free)  # noqa: S311 - it hides nothing
        raise Refused(
            "webhook_endpoints_limit",
            f"This account has {len(taken)} webhook endpoints, which is as many as it may have. "
            "Delete one, or let one endpoint take more types of events.",
            "url",
        )

    def _missed(self, before: Endpoint, after: Endpoint) -> list[Replay]:
        if before.disabled_at is None or not after.enabled:
            raise InvalidRequest(
                "parameter_invalid",
                "There is something to replay only with disabled=false on an endpoint that is "
                "disabled. For any other stretch of time create a replay.",
                "replay",
            )
        ids = (self._ids.new("whrp"), self._ids.new("whrp"))
        return missed(before, ids, self._clock.now())


def refuse_disabled(endpoint: Endpoint, param: str | None) -> None:
    if not endpoint.enabled:
        raise Refused(
            "webhook_endpoint_disabled",
            f"The webhook endpoint {endpoint.id} is disabled. Enable it first, with "
            "disabled=false.",
            param,
        )


def _distinct(types: list[str]) -> list[str]:
    return sorted(set(types))


def _purpose(tenant: Tenant, endpoint_id: str) -> bytes:
    """A secret that is moved to another endpoint, or another tenant's, is not one there."""
    return f"webhook secret {tenant.id} {endpoint_id}".encode()
