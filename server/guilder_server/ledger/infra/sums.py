"""Balances of many accounts, added up by one statement."""

from __future__ import annotations

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.sums import Selection, Sum
from guilder_server.ledger.infra import as_of
from guilder_server.ledger.infra.standings import code_range
from guilder_server.postgres.pool import Pool

_NOW = "ledger_accounts a, LATERAL (SELECT a.balance) held"
_THEN = f"ledger_accounts a, {as_of.BALANCE}"
# What was opened later was not known then.
_SUMS = """
    SELECT CASE WHEN %(depth)s::integer IS NULL THEN %(all)s
           ELSE array_to_string((string_to_array(a.code, '/'))[1:%(depth)s], '/')
           END COLLATE "C" AS place, a.currency, count(*),
           coalesce(sum(held.balance) FILTER (WHERE held.balance > 0), 0),
           coalesce(-sum(held.balance) FILTER (WHERE held.balance < 0), 0)
    FROM {accounts}
    WHERE a.tenant_id = %(tenant)s
      AND (%(first)s::text IS NULL OR a.code >= %(first)s AND a.code < %(end)s)
      AND (%(opened)s::timestamptz IS NULL OR a.created <= %(opened)s)
    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(limit)s
"""


class PostgresSums:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def sums(self, tenant: Tenant, selection: Selection, limit: int) -> list[Sum]:
        first, end = code_range(selection.code)
        known = as_of.end_of(selection.known_at)
        effective = as_of.end_of(selection.effective_at)
        values = {
            **as_of.instants(known, effective),
            "tenant": tenant.id,
            "all": selection.code or "*",
            "depth": selection.depth,
            "first": first,
            "end": end,
            "opened": known,
            "limit": limit,
        }
        accounts = _NOW if known is None and effective is None else _THEN
        async with self._pool.query(tenant.id) as connection:
            cursor = await connection.execute(_SUMS.format(accounts=accounts), values)
        rows = await cursor.fetchall()
        return [
            Sum(code, currency, accounts, int(debits), int(credits_))
            for code, currency, accounts, debits, credits_ in rows
        ]
