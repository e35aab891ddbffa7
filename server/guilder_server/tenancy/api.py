"""The account over HTTP, and the keys that let requests in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

from guilder_server.http.auth import Credential
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.http.origin import Network, networks
from guilder_server.kernel.steps import Done, Page
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.grants import Holder
from guilder_server.tenancy.domain.keys import ShownKey
from guilder_server.tenancy.flows.accounts import Accounts
from guilder_server.tenancy.flows.api_keys import ApiKeys
from guilder_server.tenancy.flows.keyring import Keyring
from guilder_server.tenancy.flows.uses import Uses


class AccountApi:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def retrieve_account(self, call: Call) -> Account:
        return await self._accounts.of(call.tenant)


class ApiKeysApi:
    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def create_api_key(self, call: Call) -> Done:
        return await self._keys.create(call.tenant, await self._holder(call), call.params)

    async def retrieve_api_key(self, call: Call) -> ShownKey:
        return await self._keys.retrieve(call.tenant, call.path["api_key"])

    async def list_api_keys(self, call: Call) -> Page:
        return await self._keys.page(call.tenant, list_query(call))

    async def update_api_key(self, call: Call) -> Done:
        holder, id = await self._holder(call), call.path["api_key"]
        return await self._keys.update(call.tenant, holder, id, call.params)

    async def roll_api_key(self, call: Call) -> Done:
        holder, id = await self._holder(call), call.path["api_key"]
        overlap = timedelta(seconds=call.params.get("overlap_s", 86_400))
        return await self._keys.roll(call.tenant, holder, id, overlap)

    async def revoke_api_key(self, call: Call) -> Done:
        return await self._keys.revoke(call.tenant, call.path["api_key"])

    async def _holder(self, call: Call) -> Holder:
        return await self._keys.holder(call.tenant, call.actor, call.credential.permissions)


class Credentials:
    """The keyring as HTTP wants it: a credential for a key."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def find(self, token: str) -> Credential | None:
        record = await self._keyring.find(token)
        if record is None:
            return None
        permissions = None
        if record.kind == "restricted" or record.permissions is not None:
            permissions = frozenset(record.permissions or ())
        return Credential(
            record.tenant,
            record.kind,
            record.id,
            permissions,
            plan=record.plan,
            networks=_networks(record.allowed_addresses),
            ends=record.expires_at,
        )


def noting(uses: Uses) -> Callable[[Credential], None]:
    """Notes the uses of what programs come with; people have sessions."""

    def note(credential: Credential) -> None:
        if credential.actor_kind in ("api_key", "oauth_client"):
            uses.note(credential.tenant, credential.id)

    return note


@lru_cache(maxsize=1024)
def _networks(allowed: tuple[str, ...]) -> tuple[Network, ...]:
    return networks(",".join(allowed))
