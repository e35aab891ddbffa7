"""Counters as PostgreSQL keeps them, read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.tenant import OPERATOR, Tenant
from guilder_server.postgres.pool import Connection, Pool
from guilder_server.usage.domain.meters import (
    METERS,
    PENDING,
    STANDING,
    Figures,
    Meter,
    Percent,
    bit_of,
)
from guilder_server.usage.domain.used import Holder, Sides
from guilder_server.usage.ports import Untold

COLUMNS = ", ".join(f"u.{name}" for name in ("month", "closed", PENDING, *METERS))
WIDTH = 3 + len(METERS)
# What exists was counted when it came or went, perhaps months ago.
LATEST = (
    "LEFT JOIN LATERAL (SELECT * FROM usage_counters c WHERE c.tenant_id = t.id "
    "AND c.month <= %(month)s ORDER BY c.month DESC LIMIT 1) u ON true"
)
_OF_TENANT = f"""
SELECT a.plan, {COLUMNS} FROM tenants t JOIN accounts a ON a.id = t.account_id {LATEST}
WHERE t.id = %(tenant)s
"""
_OF_ACCOUNTS = f"""
SELECT a.id, a.organization_id, a.plan, t.livemode, {COLUMNS}
FROM (
    SELECT * FROM accounts WHERE {{conditions}} ORDER BY id {{order}} LIMIT %(limit)s
) a JOIN tenants t ON t.account_id = a.id {LATEST}
ORDER BY a.id {{order}}, t.livemode DESC
"""
_UNTOLD = f"""
SELECT t.id, t.account_id, t.livemode, a.plan, u.reached & ~u.told, {COLUMNS}
FROM usage_counters u JOIN tenants t ON t.id = u.tenant_id JOIN accounts a ON a.id = t.account_id
WHERE u.reached <> u.told LIMIT %s
"""
_TOLD = """
UPDATE usage_counters u SET told = told | %(bit)s WHERE tenant_id = %(tenant)s AND month = %(month)s
AND EXISTS (
    SELECT FROM usage_notices n WHERE n.tenant_id = u.tenant_id AND n.month = u.month
    AND n.meter = %(meter)s AND n.percent = %(percent)s
)
"""
_PASSED = """
UPDATE usage_counters SET reached = (reached & ~%(bit)s::integer) | told
WHERE tenant_id = %(tenant)s AND month = %(month)s
"""


def figures(month: str, row: Sequence[Any]) -> Figures:
    """What was used in `month`, by the latest row that is not after it."""
    counted_in, closed, pending, *values = row
    if counted_in is None:
        return Figures(month, dict.fromkeys(METERS, 0))
    used = dict(zip(METERS, values, strict=True))
    if counted_in == month:
        return Figures(month, used, 0 if closed else pending)
    return Figures(month, {meter: used[meter] if meter in STANDING else 0 for meter in METERS})


class PostgresUsage:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_tenant(self, tenant: Tenant, month: str) -> tuple[str | None, Figures]:
        async with self._pool.query(tenant.id) as connection:
            values = {"tenant": tenant.id, "month": month}
            row = await (await connection.execute(_OF_TENANT, values)).fetchone()
        assert row is not None, f"there is no tenant {tenant.id}"
        return row[0], figures(month, row[1:])

    async def of_account(self, account: str, month: str) -> Sides | None:
        async with self._pool.query(OPERATOR.id) as connection:
            found = await _sides(connection, ["id = %(account)s"], "DESC", 1, month, account)
        return found[0] if found else None

    async def of_accounts(
        self, month: str, query: ListQuery, organization: str | None
    ) -> tuple[Sequence[Sides], bool]:
        conditions = [] if organization is None else ["organization_id = %(organization)s"]
        backwards = query.ending_before is not None
        cursor = query.ending_before if backwards else query.starting_after
        if cursor is not None:
            conditions.append("id > %(account)s" if backwards else "id < %(account)s")
        order, limit = ("ASC" if backwards else "DESC"), query.limit
        async with self._pool.query(OPERATOR.id) as connection:
            if cursor is not None:
                await _refuse_unknown(connection, cursor, backwards)
            found = await _sides(
                connection, conditions, order, limit + 1, month, cursor, organization
            )
        page = found[:limit]
        return (page[::-1] if backwards else page), len(found) > limit

    async def untold(self, limit: int) -> Sequence[Untold]:
        async with self._pool.jobs.query() as connection:
            rows = await (await connection.execute(_UNTOLD, [limit])).fetchall()
        return [Untold(Tenant(*row[:3]), row[3], figures(row[5], row[5:]), row[4]) for row in rows]

    async def told(self, tenant: Tenant, month: str, meter: Meter, percent: Percent) -> None:
        await self._set(_TOLD, tenant, month, meter, percent)

    async def passed(self, tenant: Tenant, month: str, meter: Meter, percent: Percent) -> None:
        await self._set(_PASSED, tenant, month, meter, percent)

    async def _set(
        self, sql: str, tenant: Tenant, month: str, meter: Meter, percent: Percent
    ) -> None:
        values = {
            "tenant": tenant.id,
            "month": month,
            "meter": meter,
            "percent": percent,
            "bit": bit_of(meter, percent),
        }
        async with self._pool.jobs.query() as connection:
            await connection.execute(sql, values)


async def _sides(
    connection: Connection,
    conditions: Sequence[str],
    order: str,
    limit: int,
    month: str,
    account: str | None,
    organization: str | None = None,
) -> list[Sides]:
    sql = _OF_ACCOUNTS.format(conditions=" AND ".join(conditions) or "true", order=order)
    values = {"month": month, "limit": limit, "account": account, "organization": organization}
    rows = await (await connection.execute(sql, values)).fetchall()
    nothing = figures(month, [None] * WIDTH)
    found: dict[str, Sides] = {}
    for id, organization_id, plan, livemode, *row in rows:
        known = found.get(id) or Sides(Holder(id, organization_id, plan), nothing, nothing)
        read = figures(month, row)
        live, test = (read, known.test) if livemode else (known.live, read)
        found[id] = Sides(known.holder, live, test)
    return list(found.values())


async def _refuse_unknown(connection: Connection, account: str, backwards: bool) -> None:
    known = await connection.execute("SELECT 1 FROM accounts WHERE id = %s", [account])
    if await known.fetchone() is None:
        param = "ending_before" if backwards else "starting_after"
        raise NoSuchReference("account", account, param)
