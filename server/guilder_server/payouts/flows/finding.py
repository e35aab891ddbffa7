"""Reading payouts, and changing what callers may change of them."""

from __future__ import annotations

from collections.abc import Mapping

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import NoSuchReference, NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain.payout import NOUN, Payout
from guilder_server.payouts.ports import Tools, Wish
from guilder_server.wallets import Wallet


async def found(tools: Tools, tenant: Tenant, id: str) -> Payout:
    payout = await tools.store.payout(tenant, id)
    if payout is None:
        raise NotFound(NOUN, id, NOUN)
    return payout


async def page(tools: Tools, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]) -> Page:
    wallet = filters.get("wallet_id")
    if wallet is not None and await tools.wallets.find(tenant, wallet) is None:
        raise NoSuchReference("wallet", wallet, "wallet")
    return await tools.store.payouts(tenant, query, filters)


async def wallet_of(tools: Tools, tenant: Tenant, payout: Payout) -> Wallet:
    purse = await tools.wallets.find(tenant, payout.wallet_id)
    assert purse is not None, f"{payout.id} names a wallet that is not there"
    return purse.wallet


async def update_payout(tools: Tools, wish: Wish, id: str) -> Done:
    payout = await found(tools, wish.tenant, id)
    changes = Changes(wish.tenant)
    after = replace(payout, metadata=merge(payout.metadata, wish.given.get("metadata")))
    if after == payout:
        return Done(payout, changes)
    after = changes.change(payout, after)
    changes.record("payout.updated", after, payout)
    return Done(after, changes)
