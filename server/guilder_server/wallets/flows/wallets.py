"""Opening wallets, changing what may be changed of them, and reading what is in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from guilder_server.kernel import currencies, metadata
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import NoSuchReference, NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import Condition
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.wallets.domain.wallet import (
    NOUN,
    Limits,
    Purse,
    Wallet,
    refuse_closed,
    refuse_contradictions,
)
from guilder_server.wallets.flows.posting import account_of
from guilder_server.wallets.ports import Customers, WalletStore


class WalletFlows:
    def __init__(self, store: WalletStore, customers: Customers, ids: Ids, clock: Clock) -> None:
        self._store, self._customers = store, customers
        self._ids, self._clock = ids, clock

    async def create(self, tenant: Tenant, params: Mapping[str, Any]) -> Done:
        changes = Changes(tenant)
        limits = _limits(Limits(), params)
        currency = currencies.named(params["currency"])
        if "customer" in params:
            customer = await self._customers.find(tenant, params["customer"])
            if customer is None:
                raise NoSuchReference("customer", params["customer"], "customer")
            changes.rely(customer)
        wallet = changes.add(
            Wallet(
                id=self._ids.new("wal"),
                version=1,
                created=self._clock.now(),
                status="open",
                currency=currency,
                floor=params.get("floor", 0),
                ledger_account_id=self._ids.new("la"),
                customer_id=params.get("customer"),
                name=params.get("name"),
                limits=limits,
                metadata=metadata.merge({}, params.get("metadata")),
            )
        )
        changes.open(account_of(wallet))
        purse = Purse(wallet, 0, 0)
        changes.record("wallet.created", purse)
        return Done(purse, changes)

    async def retrieve(self, tenant: Tenant, id: str) -> Purse:
        purse = await self._store.purse(tenant, id)
        if purse is None:
            raise NotFound(NOUN, id, NOUN)
        return purse

    async def page(
        self, tenant: Tenant, query: ListQuery, customer: str | None, currency: str | None
    ) -> Page:
        wanted = None if currency is None else currencies.named(currency)
        return await self._store.purses(tenant, query, customer, wanted)

    async def movements(self, tenant: Tenant, id: str, query: ListQuery) -> Page:
        purse = await self.retrieve(tenant, id)
        return await self._store.movements(tenant, purse.wallet, query)

    async def update(self, tenant: Tenant, id: str, params: Mapping[str, Any]) -> Done:
        before = await self.retrieve(tenant, id)
        changed: dict[str, Any] = {}
        if "name" in params:
            changed["name"] = params["name"] or None
        if "metadata" in params:
            changed["metadata"] = metadata.merge(before.wallet.metadata, params["metadata"])
        if "limits" in params:
            changed["limits"] = _limits(before.wallet.limits, params)
        # A wallet that is found not to be empty only as it closes is looked at again.
        changes = Changes(tenant, decides_again=True)
        if "status" in params:
            changed["status"] = params["status"]
            _refuse_status(before, params["status"], changes)
        wallet = changes.change(before.wallet, replace(before.wallet, **changed))
        after = dataclasses.replace(before, wallet=wallet)
        changes.record("wallet.updated", after, previous=before)
        return Done(after, changes)


def _limits(before: Limits, params: Mapping[str, Any]) -> Limits:
    """An empty string takes away a limit, or, instead of all of them, every one."""
    given = params.get("limits", {})
    if given == "":
        return Limits()
    changed = {name: None if most == "" else most for name, most in given.items()}
    limits = dataclasses.replace(before, **changed)
    refuse_contradictions(limits)
    return limits


def _refuse_status(before: Purse, status: str, changes: Changes) -> None:
    if status != "closed":
        refuse_closed(before.wallet, "status")
        return
    if before.balance or before.held:
        raise Refused(
            "wallet_not_empty",
            f"The wallet {before.id} has a balance of {before.balance}, or money that is held. "
            "Only an empty one can be closed.",
            "status",
        )
    # Also at the moment in which it closes.
    changes.conditions.append(
        Condition(account_of(before.wallet), least=0, most=0, free=True, param="status")
    )
