"""Opening accounts, changing what may be changed of them, and reading what they hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guilder_server.kernel import currencies, metadata
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import Condition
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import (
    NOUN,
    AsOf,
    LedgerAccount,
    Standing,
    reserved,
)
from guilder_server.ledger.ports import BookStore


class Accounts:
    def __init__(self, store: BookStore, ids: Ids, clock: Clock) -> None:
        self._store, self._ids, self._clock = store, ids, clock

    async def open(self, tenant: Tenant, params: Mapping[str, Any]) -> Done:
        code, floor, ceiling = params["code"], params.get("floor"), params.get("ceiling")
        if reserved(code):
            raise InvalidRequest(
                "parameter_invalid",
                f"Payments keep accounts of their own under {code.split('/')[0]}/. Choose another "
                "code.",
                "code",
            )
        if not (floor or 0) <= 0 <= (ceiling or 0):
            raise InvalidRequest(
                "parameter_invalid",
                "An account begins with a balance of zero, so its floor cannot be above and its "
                "ceiling not below zero.",
                "floor" if (floor or 0) > 0 else "ceiling",
            )
        currency = currencies.named(params["currency"])
        if await self._store.code_taken(tenant, code):
            raise Refused(
                "ledger_code_taken", f"There is a ledger account with the code {code}.", "code"
            )
        account = LedgerAccount(
            id=self._ids.new("la"),
            version=1,
            created=self._clock.now(),
            code=code,
            currency=currency,
            normal_side=params["normal_side"],
            floor=floor,
            ceiling=ceiling,
            name=params.get("name"),
            metadata=metadata.merge({}, params.get("metadata")),
            status="open",
        )
        changes = Changes(tenant)
        changes.add(account)
        changes.open(account.ref)
        standing = Standing(account, 0, 0)
        changes.record("ledger.account.created", standing)
        return Done(standing, changes)

    async def retrieve(self, tenant: Tenant, id: str) -> Standing:
        standing = await self._store.standing(tenant, id)
        if standing is None:
            raise NotFound(NOUN, id, "account")
        return standing

    async def page(self, tenant: Tenant, query: ListQuery, code: str | None) -> Page:
        return await self._store.accounts(tenant, query, code)

    async def update(self, tenant: Tenant, id: str, params: Mapping[str, Any]) -> Done:
        before = await self.retrieve(tenant, id)
        if before.system:
            raise Refused(
                "ledger_account_system", f"{before.account.code} belongs to payments.", "account"
            )
        changed: dict[str, Any] = {}
        if "name" in params:
            changed["name"] = params["name"] or None
        if "metadata" in params:
            changed["metadata"] = metadata.merge(before.account.metadata, params["metadata"])
        if "status" in params:
            changed["status"] = params["status"]
        # An account that is found not to be empty only as it closes is looked at again.
        changes = Changes(tenant, decides_again=True)
        if "status" in params:
            self._refuse_status(before, params["status"], changes)
        account = changes.change(before.account, replace(before.account, **changed))
        after = dataclasses.replace(before, account=account)
        changes.record("ledger.account.updated", after, previous=before)
        return Done(after, changes)

    async def balance(
        self, tenant: Tenant, id: str, known_at: datetime | None, effective_at: datetime | None
    ) -> AsOf:
        standing = await self.retrieve(tenant, id)
        if known_at is None and effective_at is None:
            return AsOf(standing.account, standing.balance, standing.entries, None, None)
        balance, entries = await self._store.as_of(tenant, standing.account, known_at, effective_at)
        return AsOf(standing.account, balance, entries, known_at, effective_at)

    async def entries(self, tenant: Tenant, id: str, query: ListQuery) -> Page:
        standing = await self.retrieve(tenant, id)
        return await self._store.entries(tenant, standing, query)

    def _refuse_status(self, before: Standing, status: str, changes: Changes) -> None:
        account = before.account
        if account.status == "closed" and status != "closed":
            raise Refused(
                "ledger_account_closed",
                f"The ledger account {account.id} ({account.code}) is closed for good.",
                "status",
            )
        if status == "closed":
            if before.balance or before.held_debits or before.held_credits:
                raise Refused(
                    "ledger_account_not_empty",
                    f"{account.code} has a balance of {before.balance}, or money that is held. "
                    "Only an account without either can be closed.",
                    "status",
                )
            # Also at the moment in which it closes.
            changes.conditions.append(
                Condition(account.ref, least=0, most=0, free=True, param="status")
            )
