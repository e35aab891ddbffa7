"""Setting money of a wallet aside, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guilder_server.kernel import metadata
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock, at
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import AccountRef
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger import chart
from guilder_server.wallets.domain import hold as rules
from guilder_server.wallets.domain.hold import NOUN, Hold, Status
from guilder_server.wallets.domain.wallet import Wallet, refuse_too_much, refuse_unfit
from guilder_server.wallets.flows import posting
from guilder_server.wallets.flows.posting import Cause, account_of
from guilder_server.wallets.flows.transfers import found, two_wallets
from guilder_server.wallets.ports import WalletStore


class Holds:
    def __init__(self, store: WalletStore, ids: Ids, clock: Clock) -> None:
        self._store, self._ids, self._clock = store, ids, clock

    async def create(self, tenant: Tenant, wallet_id: str, params: Mapping[str, Any]) -> Done:
        destination_id, changes = params.get("destination"), Changes(tenant)
        if destination_id is None:
            wallet = await found(self._store, tenant, wallet_id)
            refuse_unfit(wallet, "wallet")
        else:
            wallet, destination = await two_wallets(self._store, tenant, wallet_id, destination_id)
            changes.rely(destination)
        amount, now = params["amount"], self._clock.now()
        refuse_too_much(wallet, amount, "amount")
        changes.rely(wallet)
        hold = replace(
            rules.of_wallet(self._ids.new("whl"), wallet, amount, now),
            destination_id=destination_id,
            description=params.get("description"),
            metadata=metadata.merge({}, params.get("metadata")),
            expires_at=_later(params.get("expires_at"), now),
        )
        changes.hold(posting.held(wallet, amount, counted_on(hold)))
        changes.record("wallet_hold.created", changes.add(hold))
        return Done(hold, changes)

    async def capture(
        self, tenant: Tenant, wallet_id: str, id: str, params: Mapping[str, Any]
    ) -> Done:
        before, wallet = await self._pending(tenant, wallet_id, id)
        refuse_unfit(wallet, "wallet")
        amount = params.get("amount", before.amount_held)
        rules.refuse_beyond(before, amount)
        changes, now = Changes(tenant), self._clock.now()
        changes.rely(wallet)
        after = rules.capture(before, amount, final=params.get("final_capture", True))
        # First all that is no longer held is let go, then what was captured goes.
        gone = before.amount_held - after.amount_held
        changes.hold(posting.held(wallet, gone, counted_on(before), released=True))
        cause, to, transaction_id = await self._goal(tenant, before, now, changes)
        changes.post(
            posting.taken(
                transaction_id, cause, wallet, to, amount, now, counted_on(before), param="hold"
            )
        )
        after = changes.change(before, after)
        changes.record("wallet_hold.captured", after)
        return Done(after, changes)

    async def release(self, tenant: Tenant, wallet_id: str, id: str) -> Done:
        """Also of a wallet that is frozen: nothing leaves it by that."""
        before, wallet = await self._pending(tenant, wallet_id, id)
        return self._let_go(tenant, before, wallet, "released")

    async def expire(self, tenant: Tenant, id: str) -> Done | None:
        """None if it holds nothing any more, or is not out of time."""
        hold = await self._store.hold(tenant, id)
        if hold is None or hold.status != "held" or hold.expires_at is None:
            return None
        if hold.expires_at > self._clock.now():
            return None
        wallet = await found(self._store, tenant, hold.wallet_id)
        return self._let_go(tenant, hold, wallet, "expired")

    async def retrieve(self, tenant: Tenant, wallet_id: str, id: str) -> Hold:
        hold = await self._store.hold(tenant, id)
        if hold is None or hold.wallet_id != wallet_id:
            raise NotFound(NOUN, id, "hold")
        return hold

    async def page(
        self, tenant: Tenant, wallet_id: str, query: ListQuery, status: str | None
    ) -> Page:
        await found(self._store, tenant, wallet_id)
        return await self._store.holds(tenant, wallet_id, query, status)

    async def _pending(self, tenant: Tenant, wallet_id: str, id: str) -> tuple[Hold, Wallet]:
        hold, wallet = await asyncio.gather(
            self.retrieve(tenant, wallet_id, id), found(self._store, tenant, wallet_id)
        )
        rules.refuse_foreign(hold)
        rules.refuse_ended(hold, self._clock.now())
        return hold, wallet

    async def _goal(
        self, tenant: Tenant, hold: Hold, now: datetime, changes: Changes
    ) -> tuple[Cause, AccountRef, str]:
        """Why and where its money goes, and the id of the transaction that moves it: to the
        merchant it is a movement of the balance."""
        if hold.destination_id is None:
            cause = Cause("payment", hold.id, hold.description)
            return cause, chart.merchant(hold.currency, now), self._ids.new("txn")
        destination = await found(self._store, tenant, hold.destination_id)
        refuse_unfit(destination, "hold")
        changes.rely(destination)
        cause = Cause("wallet_transfer", hold.id, hold.description)
        return cause, account_of(destination), self._ids.new("lt")

    def _let_go(self, tenant: Tenant, before: Hold, wallet: Wallet, status: Status) -> Done:
        changes = Changes(tenant)
        changes.hold(posting.held(wallet, before.amount_held, counted_on(before), released=True))
        after = changes.change(before, rules.let_go(before, status))
        changes.record(f"wallet_hold.{status}", after)
        return Done(after, changes)


def counted_on(hold: Hold) -> datetime | None:
    """When it counts against the wallet's limits, if it does."""
    return hold.created if hold.counted else None


def _later(seconds: int | None, now: datetime) -> datetime | None:
    if seconds is None:
        return None
    instant = at(seconds)
    if instant <= now:
        raise InvalidRequest("parameter_invalid", "expires_at must be in the future.", "expires_at")
    return instant
