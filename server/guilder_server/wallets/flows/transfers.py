"""Moving money from one wallet to another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from guilder_server.kernel import metadata
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.wallets.domain import wallet as rules
from guilder_server.wallets.domain.transfer import NOUN, Transfer
from guilder_server.wallets.domain.wallet import Wallet
from guilder_server.wallets.flows.posting import Cause, account_of, paid_out
from guilder_server.wallets.ports import WalletStore


class Transfers:
    def __init__(self, store: WalletStore, ids: Ids, clock: Clock) -> None:
        self._store, self._ids, self._clock = store, ids, clock

    async def create(self, tenant: Tenant, id: str, params: Mapping[str, Any]) -> Done:
        wallet, destination = await two_wallets(self._store, tenant, id, params["destination"])
        amount, now = params["amount"], self._clock.now()
        rules.refuse_too_much(wallet, amount, "amount")
        changes = Changes(tenant)
        transfer = Transfer(
            id=self._ids.new("wtr"),
            version=1,
            created=now,
            wallet_id=wallet.id,
            destination_id=destination.id,
            amount=amount,
            currency=wallet.currency,
            transaction_id=self._ids.new("lt"),
            description=params.get("description"),
            metadata=metadata.merge({}, params.get("metadata")),
        )
        cause = Cause("wallet_transfer", transfer.id, transfer.description)
        to = account_of(destination)
        changes.post(paid_out(transfer.transaction_id, cause, wallet, to, amount, now))
        changes.rely(wallet)
        changes.rely(destination)
        changes.record("wallet_transfer.created", changes.add(transfer))
        return Done(transfer, changes)

    async def retrieve(self, tenant: Tenant, wallet_id: str, id: str) -> Transfer:
        transfer = await self._store.transfer(tenant, id)
        if transfer is None or wallet_id not in (transfer.wallet_id, transfer.destination_id):
            raise NotFound(NOUN, id, "transfer")
        return transfer

    async def page(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page:
        await found(self._store, tenant, wallet_id)
        return await self._store.transfers(tenant, wallet_id, query)


async def found(store: WalletStore, tenant: Tenant, id: str) -> Wallet:
    wallet = await store.wallet(tenant, id)
    if wallet is None:
        raise NotFound(rules.NOUN, id, rules.NOUN)
    return wallet


async def two_wallets(
    store: WalletStore, tenant: Tenant, id: str, destination_id: str
) -> tuple[Wallet, Wallet]:
    """Two that money may move between."""
    wallet, destination = await asyncio.gather(
        found(store, tenant, id), store.wallet(tenant, destination_id)
    )
    if destination is None:
        raise NoSuchReference(rules.NOUN, destination_id, "destination")
    if wallet.id == destination.id:
        raise InvalidRequest(
            "parameter_invalid", "Money moves between two wallets; these are one.", "destination"
        )
    rules.refuse_unfit(wallet, rules.NOUN)
    rules.refuse_unfit(destination, "destination")
    rules.refuse_currency(destination, wallet.currency, "destination")
    return wallet, destination
