"""The account over HTTP, and the keys that let requests in."""

from __future__ import annotations

from guilder_server.http.auth import Credential
from guilder_server.http.call import Call
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.flows.accounts import Accounts
from guilder_server.tenancy.flows.keyring import Keyring


class AccountApi:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def retrieve_account(self, call: Call) -> Account:
        return await self._accounts.of(call.tenant)


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
        return Credential(record.tenant, record.kind, record.id, permissions, record.plan)
