"""Registering clients, and taking them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.ids import Ids, secret
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page, Tombstone
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain import client as rules
from guilder_server.oauth.domain.client import KIND, NOUN, Client, ShownClient
from guilder_server.oauth.ports import ClientStore, Signatures
from guilder_server.tenancy import (
    Holder,
    UseStore,
    check_sum,
    digest,
    grantable,
    known_permissions,
    require_all,
    require_until,
    require_within,
    shown_name,
)

_ENDLESS = "An OAuth client has no end"
# What shows that a client is itself, by how it does.
_PROOFS = {"private_key_jwt": "public_keys", "tls_client_auth": "certificate_identity"}


class Clients:
    """`declared` are the permissions that there are; secrets are hashed with the pepper."""

    def __init__(
        self,
        store: ClientStore,
        uses: UseStore,
        signatures: Signatures,
        pepper: bytes,
        declared: Collection[str],
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._store, self._uses, self._signatures = store, uses, signatures
        self._pepper, self._declared = pepper, grantable(declared)
        self._ids, self._clock = ids, clock

    async def create(self, tenant: Tenant, holder: Holder, params: Mapping[str, Any]) -> Done:
        authentication = params.get("authentication", "client_secret")
        self._require_proof(authentication, params)
        scopes = known_permissions(params["scopes"], self._declared, "scopes")
        require_all(holder, scopes, self._declared)
        # Its tokens are let in from everywhere, and it gets new ones for good.
        require_within(holder, ())
        require_until(holder, None, _ENDLESS, None)
        token = self._new_secret(tenant) if authentication == "client_secret" else None
        changes = Changes(tenant)
        client = changes.add(
            Client(
                id=self._ids.new("oac"),
                version=1,
                created=self._clock.now(),
                name=shown_name(params.get("name")),
                scopes=scopes,
                authentication=authentication,
                created_by_type=holder.actor.kind,
                created_by_id=holder.actor.id,
                public_keys=tuple(one.strip() for one in params.get("public_keys", ())),
                certificate_identity=params.get("certificate_identity"),
                secret_hash=None if token is None else digest(self._pepper, token),
                secret_last4=None if token is None else token[-4:],
            )
        )
        return Done(ShownClient(client, secret=token), changes)

    async def retrieve(self, tenant: Tenant, id: str) -> ShownClient:
        client = await self._existing(tenant, id)
        return ShownClient(client, (await self._uses.last_used(tenant, [id])).get(id))

    async def page(self, tenant: Tenant, query: ListQuery) -> Page:
        page = await self._store.clients(tenant, query)
        found = [client for client in page.items if isinstance(client, Client)]
        used = await self._uses.last_used(tenant, [client.id for client in found])
        return Page([ShownClient(one, used.get(one.id)) for one in found], page.has_more)

    async def roll(self, tenant: Tenant, holder: Holder, id: str, overlap: timedelta) -> Done:
        before, now = await self._existing(tenant, id), self._clock.now()
        require_all(holder, before.scopes, self._declared)
        require_within(holder, ())
        require_until(holder, None, _ENDLESS, KIND)
        if before.authentication != "client_secret":
            raise InvalidRequest(
                "parameter_invalid",
                f"The OAuth client {id} authenticates by {before.authentication}: it has no secret "
                "to roll.",
                KIND,
            )
        token = self._new_secret(tenant)
        kept, until = digest(self._pepper, token), now + overlap
        changes = Changes(tenant)
        after = changes.change(before, rules.rolled(before, kept, token[-4:], until, now))
        return Done(ShownClient(after, secret=token), changes)

    async def delete(self, tenant: Tenant, id: str) -> Done:
        before = await self._existing(tenant, id)
        changes = Changes(tenant)
        changes.change(before, rules.erased(before, self._clock.now()))
        return Done(Tombstone(id, KIND), changes)

    def _require_proof(self, authentication: str, params: Mapping[str, Any]) -> None:
        needed = _PROOFS.get(authentication)
        if needed is not None and not params.get(needed):
            raise InvalidRequest(
                "parameter_missing", f"A client that uses {authentication} needs {needed}.", needed
            )
        for other in _PROOFS.values():
            if other != needed and params.get(other):
                raise InvalidRequest(
                    "parameter_invalid", f"A client that uses {authentication} has none.", other
                )
        for index, pem in enumerate(params.get("public_keys", ())):
            try:
                self._signatures.check_public_key(pem.strip())
            except ValueError as problem:
                raise InvalidRequest(
                    "parameter_invalid",
                    f"This key cannot be used: {problem}.",
                    f"public_keys[{index}]",
                ) from None

    def _new_secret(self, tenant: Tenant) -> str:
        body = f"ocs_{'live' if tenant.livemode else 'test'}_gld{secret(32)}"
        return body + check_sum(body)

    async def _existing(self, tenant: Tenant, id: str) -> Client:
        found = await self._store.client(tenant, id)
        if found is None or found.deleted_at is not None:
            raise NotFound(NOUN, id, KIND)
        return found
