"""The ledger read back: amounts come from the entries, and from nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import chart
from guilder_server.ledger.domain.balance import BalanceTransaction
from guilder_server.ledger.infra.tables import transactions
from guilder_server.postgres import listing
from guilder_server.postgres.columns import BIGINT, TEXT
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import Lookup, MergedReads


@dataclass(frozen=True, slots=True)
class Header:
    """A ledger transaction without its entries."""

    id: str
    kind: str
    source: str
    created: datetime
    available: datetime
    currency: str | None
    description: str | None
    effective_at: datetime | None
    reference: str | None
    reverses: str | None
    metadata: dict[str, str] | None
    pairs: list[tuple[str, str, int]] | None
    exchange: Exchange | None


HEADERS = Mapping(Header, transactions)

_ACCOUNTS = """
SELECT code, currency, balance FROM ledger_accounts
WHERE tenant_id = %s AND code >= %s AND code < %s ORDER BY currency, code
"""

# What of each transaction went to the merchant, and what to fees: credits are below zero.
_SHARES = f"""
SELECT e.tenant_id, e.transaction_id,
       coalesce(-sum(e.amount) FILTER (WHERE starts_with(a.code, '{chart.MERCHANT}')), 0)::bigint,
       coalesce(-sum(e.amount) FILTER (WHERE starts_with(a.code, '{chart.FEES}')), 0)::bigint
FROM unnest(%s, %s) AS k(tenant_id, id)
JOIN ledger_entries e ON e.tenant_id = k.tenant_id AND e.transaction_id = k.id
JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
GROUP BY 1, 2
"""

SHARES: Lookup[tuple[int, int]] = Lookup(_SHARES, (BIGINT, TEXT), lambda row: (row[0], row[1]))


class PostgresLedger:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def merchant_accounts(self, tenant: Tenant) -> list[tuple[str, str, int]]:
        after = chart.MERCHANT[:-1] + chr(ord(chart.MERCHANT[-1]) + 1)
        async with self._pool.query(tenant.id) as connection:
            cursor = await connection.execute(_ACCOUNTS, [tenant.id, chart.MERCHANT, after])
        return [(code, currency, balance) for code, currency, balance in await cursor.fetchall()]

    async def transaction(self, tenant: Tenant, id: str) -> BalanceTransaction | None:
        wanted_header = self._reads.one(HEADERS.lookup, tenant.id, id)
        wanted_shares = self._reads.one(SHARES, tenant.id, id)
        header, shares = await asyncio.gather(wanted_header, wanted_shares)
        if header is None or shares is None or not id.startswith(f"{chart.MOVEMENTS}_"):
            return None
        return _joined(header, shares)

    async def transactions(self, tenant: Tenant, query: ListQuery, filters: Dict[str, str]) -> Page:
        conditions = [transactions.c[name] == value for name, value in filters.items()]
        # What callers post and wallets transfer is no movement of the balance. By their ids, which
        # the list is read by, none of it has to be passed over.
        conditions.append(transactions.c.id > f"{chart.MOVEMENTS}_")
        page = await listing.page(
            self._pool,
            HEADERS,
            tenant.id,
            query,
            conditions,
            chart.MOVEMENTS,
            "balance_transaction",
        )
        return Page(await self._with_shares(tenant, page.items), page.has_more)

    async def _with_shares(
        self, tenant: Tenant, headers: Sequence[Any]
    ) -> list[BalanceTransaction]:
        """One more statement for the whole page: each reads its own key of the merged trip."""
        if not headers:
            return []
        keys = [BIGINT.array([tenant.id] * len(headers)), TEXT.array([h.id for h in headers])]
        async with self._pool.point([tenant.id]) as connection:
            cursor = await connection.execute(SHARES.sql, keys)
        shares = {id: (net, fee) for _, id, net, fee in await cursor.fetchall()}
        return [_joined(header, shares[header.id]) for header in headers]


def _joined(header: Header, shares: tuple[int, int]) -> BalanceTransaction:
    net, fee = shares
    assert header.currency is not None, "payments move one currency"
    return BalanceTransaction(
        id=header.id,
        created=header.created,
        available=header.available,
        kind=header.kind,
        source=header.source,
        currency=header.currency,
        fee=fee,
        net=net,
        description=header.description,
    )
