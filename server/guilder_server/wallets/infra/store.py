"""Wallets as PostgreSQL keeps them: whose they are from their own rows, what is in them from the
ledger's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import listing
from guilder_server.postgres.columns import BIGINT, TEXT
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import Lookup, MergedReads
from guilder_server.wallets.domain import hold as holding
from guilder_server.wallets.domain import movement, top_up, transfer, wallet
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.movement import Movement
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Purse, Wallet
from guilder_server.wallets.infra.tables import (
    HOLDS,
    TOP_UPS,
    TRANSFERS,
    WALLETS,
    holds,
    top_ups,
    transfers,
    wallets,
)

# A wallet's account grows with credits, which the ledger counts below zero.
_PURSE: Lookup[Purse] = Lookup(
    f"SELECT wallets.tenant_id, wallets.id, -a.balance, a.held_debits, {WALLETS.columns} "
    "FROM unnest(%s, %s) AS k(tenant_id, id) JOIN wallets USING (tenant_id, id) "
    "JOIN ledger_accounts a ON a.tenant_id = wallets.tenant_id "
    "AND a.public_id = wallets.ledger_account_id",
    (BIGINT, TEXT),
    lambda row: Purse(WALLETS.load(row[2:]), row[0], row[1]),
)
_MOVEMENTS = """
SELECT e.version, -e.amount, -e.balance, e.posted_at, t.kind, t.source, t.id, t.description
FROM ledger_accounts a
JOIN ledger_entries e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
WHERE a.tenant_id = %(tenant)s AND a.public_id = %(account)s
  AND e.version > %(above)s AND e.version < %(below)s
ORDER BY e.version {order} LIMIT %(limit)s
"""
_NEVER = 2**62
_EXPIRED = """
SELECT t.id, t.account_id, t.livemode, h.id FROM wallet_holds h JOIN tenants t ON t.id = h.tenant_id
WHERE h.status = 'held' AND h.expires_at <= %s AND h.payment_intent_id IS NULL
ORDER BY h.expires_at LIMIT %s
"""


class PostgresWallets:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def wallet(self, tenant: Tenant, id: str) -> Wallet | None:
        return await self._reads.one(WALLETS.lookup, tenant.id, id)

    async def purse(self, tenant: Tenant, id: str) -> Purse | None:
        return await self._reads.one(_PURSE, tenant.id, id)

    async def purses(
        self, tenant: Tenant, query: ListQuery, customer_id: str | None, currency: str | None
    ) -> Page:
        conditions: list[sa.ColumnElement[bool]] = []
        if customer_id is not None:
            conditions.append(wallets.c.customer_id == customer_id)
        if currency is not None:
            conditions.append(wallets.c.currency == currency)
        page = await self._page(WALLETS, tenant, query, conditions, "wal", wallet.NOUN)
        # Asked for together, they are read in one trip.
        found = [one for one in page.items if isinstance(one, Wallet)]
        purses = await asyncio.gather(*(self.purse(tenant, one.id) for one in found))
        return Page([purse for purse in purses if purse is not None], page.has_more)

    async def movements(self, tenant: Tenant, wallet: Wallet, query: ListQuery) -> Page:
        backwards = query.ending_before is not None
        cursor = query.ending_before if backwards else query.starting_after
        above, below = 0, _NEVER
        if cursor is not None:
            number = movement.number_of(wallet.id, cursor)
            if number is None:
                param = "ending_before" if backwards else "starting_after"
                raise NoSuchReference(movement.NOUN, cursor, param)
            above, below = (number, below) if backwards else (above, number)
        values = {
            "tenant": tenant.id,
            "account": wallet.ledger_account_id,
            "above": above,
            "below": below,
            "limit": query.limit + 1,
        }
        sql = _MOVEMENTS.format(order="ASC" if backwards else "DESC")
        async with self._pool.query(tenant.id) as connection:
            found = await connection.execute(sql, values)
        rows = await found.fetchall()
        items = [_movement(wallet, row) for row in rows[: query.limit]]
        return Page(items[::-1] if backwards else items, len(rows) > query.limit)

    async def transfer(self, tenant: Tenant, id: str) -> Transfer | None:
        return await self._reads.one(TRANSFERS.lookup, tenant.id, id)

    async def transfers(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page:
        conditions = [transfers.c.wallet_id == wallet_id]
        return await self._page(TRANSFERS, tenant, query, conditions, "wtr", transfer.NOUN)

    async def hold(self, tenant: Tenant, id: str) -> Hold | None:
        return await self._reads.one(HOLDS.lookup, tenant.id, id)

    async def holds(
        self, tenant: Tenant, wallet_id: str, query: ListQuery, status: str | None
    ) -> Page:
        conditions = [holds.c.wallet_id == wallet_id]
        if status is not None:
            conditions.append(holds.c.status == status)
        return await self._page(HOLDS, tenant, query, conditions, "whl", holding.NOUN)

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        async with self._pool.jobs.query() as connection:
            rows = await (await connection.execute(_EXPIRED, [now, limit])).fetchall()
        return [(Tenant(*row[:3]), row[3]) for row in rows]

    async def top_up(self, tenant: Tenant, id: str) -> TopUp | None:
        return await self._reads.one(TOP_UPS.lookup, tenant.id, id)

    async def top_ups(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page:
        conditions = [top_ups.c.wallet_id == wallet_id]
        return await self._page(TOP_UPS, tenant, query, conditions, "wtu", top_up.NOUN)

    async def _page(
        self,
        mapping: Mapping[Any],
        tenant: Tenant,
        query: ListQuery,
        conditions: Sequence[sa.ColumnElement[bool]],
        prefix: str,
        noun: str,
    ) -> Page:
        return await listing.page(self._pool, mapping, tenant.id, query, conditions, prefix, noun)


def _movement(wallet: Wallet, row: Sequence[Any]) -> Movement:
    number, amount, balance, posted_at, kind, source, transaction, description = row
    return Movement(
        wallet.id,
        number,
        amount,
        balance,
        wallet.currency,
        posted_at,
        kind,
        source,
        transaction,
        description,
    )
