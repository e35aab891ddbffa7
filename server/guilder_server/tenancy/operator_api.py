"""The operator over HTTP: who is let in as one, and what they may do."""

from __future__ import annotations

import hashlib
import hmac

from guilder_server.http.auth import Credential
from guilder_server.http.auth import Keyring as HttpKeyring
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Done, Elsewhere, Page
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.flows.operating import Operating
from guilder_server.tenancy.operator_keys import OperatorKeys

_CREDENTIAL = Credential(OPERATOR, "operator", "operator_key")


class WithOperator:
    """A keyring that knows the operator's key too, if there is one."""

    def __init__(self, keyring: HttpKeyring, key: str) -> None:
        self._keyring = keyring
        self._digest = hashlib.sha256(key.encode()).digest() if key else None

    async def find(self, token: str) -> Credential | None:
        if self._digest is not None:
            given = hashlib.sha256(token.encode()).digest()
            if hmac.compare_digest(given, self._digest):
                return _CREDENTIAL
        return await self._keyring.find(token)


class OperatorApi:
    def __init__(self, operating: Operating, keys: OperatorKeys) -> None:
        self._operating, self._keys = operating, keys

    async def create_operator_organization(self, call: Call) -> Done:
        return await self._operating.create_organization(call.params)

    async def list_operator_organizations(self, call: Call) -> Page:
        return await self._operating.organizations(list_query(call))

    async def retrieve_operator_organization(self, call: Call) -> Organization:
        return await self._operating.organization(call.path["organization"])

    async def create_operator_account(self, call: Call) -> Done:
        return await self._operating.create_account(call.params)

    async def list_operator_accounts(self, call: Call) -> Page:
        return await self._operating.accounts(list_query(call), call.params.get("organization"))

    async def retrieve_operator_account(self, call: Call) -> Account:
        return await self._operating.account(call.path["account"])

    async def update_operator_account(self, call: Call) -> Done:
        return await self._operating.update_account(call.path["account"], call.params)

    async def suspend_operator_account(self, call: Call) -> Done:
        return await self._operating.put(call.path["account"], "suspended")

    async def resume_operator_account(self, call: Call) -> Done:
        return await self._operating.put(call.path["account"], "active")

    async def close_operator_account(self, call: Call) -> Done:
        return await self._operating.put(call.path["account"], "closed")

    async def list_operator_keys(self, call: Call) -> Page:
        return await self._keys.page(call)

    async def create_operator_key(self, call: Call) -> Elsewhere:
        return self._keys.create(call)

    async def roll_operator_key(self, call: Call) -> Elsewhere:
        return self._keys.roll(call)

    async def revoke_operator_key(self, call: Call) -> Elsewhere:
        return self._keys.revoke(call)
