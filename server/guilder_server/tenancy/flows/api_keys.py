"""Making keys and taking them back, for those who have one that may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import addresses, grants, issuing, keys, wishes
from guilder_server.tenancy.domain.grants import Holder, shown_instant
from guilder_server.tenancy.domain.issuing import Wish
from guilder_server.tenancy.domain.keys import ApiKey, ShownKey
from guilder_server.tenancy.ports import ApiKeyStore, UseStore


class ApiKeys:
    """`declared` are the permissions that there are."""

    def __init__(
        self,
        store: ApiKeyStore,
        uses: UseStore,
        pepper: bytes,
        declared: Collection[str],
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._store, self._uses = store, uses
        self._pepper, self._declared = pepper, grants.grantable(declared)
        self._ids, self._clock = ids, clock

    async def holder(
        self, tenant: Tenant, actor: Actor, permissions: frozenset[str] | None
    ) -> Holder:
        """Whoever calls, with what they hold."""
        own = await self._store.api_key(tenant, actor.id) if actor.kind == "api_key" else None
        if own is None:
            return Holder(actor, permissions)
        return Holder(actor, permissions, own.allowed_addresses, own.expires_at)

    async def create(self, tenant: Tenant, holder: Holder, params: Mapping[str, Any]) -> Done:
        kind, now = params["kind"], self._clock.now()
        # Where nothing is said, a key is let in from where its maker is, and for as long.
        allowed = addresses.allowed(params.get("allowed_addresses") or holder.allowed_addresses)
        lifetime = params.get("expires_in_s")
        ends = holder.ends if lifetime is None else wishes.end(now, timedelta(seconds=lifetime))
        wish = Wish(
            kind,
            wishes.permissions(kind, params.get("permissions", ()), self._declared),
            wishes.name(params.get("name")),
            allowed,
            ends,
        )
        grants.require_all(holder, wish.permissions, self._declared)
        grants.require_within(holder, allowed)
        grants.require_until(holder, ends, "This API key would outlive its maker", "expires_in_s")
        changes = Changes(tenant)
        return Done(self._made(changes, holder, wish, now), changes)

    async def retrieve(self, tenant: Tenant, id: str) -> ShownKey:
        return await self._shown(tenant, await self._existing(tenant, id))

    async def page(self, tenant: Tenant, query: ListQuery) -> Page:
        page = await self._store.api_keys(tenant, query)
        found = [key for key in page.items if isinstance(key, ApiKey)]
        used = await self._uses.last_used(tenant, [key.id for key in found])
        return Page([ShownKey(key, used.get(key.id)) for key in found], page.has_more)

    async def update(
        self, tenant: Tenant, holder: Holder, id: str, params: Mapping[str, Any]
    ) -> Done:
        before = await self._existing(tenant, id)
        issuing.require_active(before, self._clock.now())
        changed: dict[str, Any] = {}
        if "name" in params:
            changed["name"] = wishes.name(params["name"])
        if "allowed_addresses" in params:
            allowed = addresses.allowed(params["allowed_addresses"] or ())
            grants.require_all(holder, before.grants, self._declared)
            grants.require_within(holder, allowed)
            _require_no_later(holder, before)
            changed["allowed_addresses"] = allowed
        return await self._changed(tenant, before, replace(before, **changed))

    async def roll(self, tenant: Tenant, holder: Holder, id: str, overlap: timedelta) -> Done:
        before, now = await self._existing(tenant, id), self._clock.now()
        wish = issuing.again(before, now, holder.ends)
        grants.require_all(holder, before.grants, self._declared)
        grants.require_within(holder, before.allowed_addresses)
        _require_no_later(holder, before)
        changes = Changes(tenant)
        made = self._made(changes, holder, wish, now)
        changes.change(before, issuing.ending(before, made.id, overlap, now))
        return Done(made, changes)

    async def revoke(self, tenant: Tenant, id: str) -> Done:
        """Whoever may write keys may take back any of them, also their own: the answer to this
        request is the last that such a key is given."""
        before = await self._existing(tenant, id)
        return await self._changed(tenant, before, issuing.revoked(before, self._clock.now()))

    def _made(self, changes: Changes, holder: Holder, wish: Wish, now: datetime) -> ShownKey:
        token = keys.new_key(wish.kind, changes.tenant.livemode)
        id = self._ids.new("key")
        key = changes.add(issuing.issued(id, token, self._pepper, wish, holder.actor, now))
        return ShownKey(key, secret=token)

    async def _changed(self, tenant: Tenant, before: ApiKey, after: ApiKey) -> Done:
        changes = Changes(tenant)
        if after != before:
            after = changes.change(before, after)
        return Done(await self._shown(tenant, after), changes)

    async def _shown(self, tenant: Tenant, key: ApiKey) -> ShownKey:
        return ShownKey(key, (await self._uses.last_used(tenant, [key.id])).get(key.id))

    async def _existing(self, tenant: Tenant, id: str) -> ApiKey:
        issuing.require_id(id)
        found = await self._store.api_key(tenant, id)
        if found is None:
            raise NotFound(issuing.NOUN, id, "api_key")
        return found


def _require_no_later(holder: Holder, key: ApiKey) -> None:
    """A key that lasts longer holds more than its holder, who would also shorten what takes its
    place, unasked."""
    ends = "no end" if key.expires_at is None else f"its end at {shown_instant(key.expires_at)}"
    grants.require_until(holder, key.expires_at, f"The API key {key.id} has {ends}", "api_key")
