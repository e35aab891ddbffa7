"""Statements read from one snapshot, through a cursor: neither their length nor whoever takes them
slowly is felt anywhere else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import Standing
from guilder_server.ledger.domain.statement import Line, Period, Statement
from guilder_server.ledger.infra import as_of
from guilder_server.ledger.infra.standings import COLUMNS, PROFILED, normal, standing_of
from guilder_server.ledger.ports import AccountName, Reading
from guilder_server.postgres.pool import Connection, Pool

# Some milliseconds of work between two looks at what else there is to do.
_AT_ONCE = 500
_INSTANT = timedelta(microseconds=1)

_ACCOUNT = f"SELECT a.id, {COLUMNS} FROM ledger_accounts a {PROFILED} WHERE a.tenant_id = %s AND "
_BY_ID = f"{_ACCOUNT} a.public_id = %s"
_BY_CODE = f"{_ACCOUNT} a.code = %s AND a.currency = %s"
_HELD = f"""
    SELECT held.balance, held.entries, known.entries FROM ledger_accounts a, {as_of.BALANCE}
    WHERE a.tenant_id = %(tenant)s AND a.id = %(account)s
"""
_OF_ACCOUNT = """
    SELECT version, posted_at, coalesce(effective_at, posted_at) AS counts_from, transaction_id,
           amount
    FROM ledger_entries WHERE tenant_id = %(tenant)s AND account_id = %(account)s
"""
_POSTED = f"{_OF_ACCOUNT} AND version > %(first)s AND version <= %(last)s"
# Each half from its index: an interval costs what lies in it.
_IN_EFFECT = f"""
    {_POSTED} AND effective_at IS NULL
    UNION ALL {_OF_ACCOUNT} AND effective_at >= %(start)s AND effective_at < %(end)s
"""
_SUMS = """
    SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)
    FROM ({entries}) e
"""
_LINES = """
    SELECT e.version, e.posted_at, e.counts_from, e.transaction_id, t.kind, t.description,
           t.reference, e.amount
    FROM ({entries} ORDER BY {order}) e
    JOIN ledger_transactions t ON t.tenant_id = %(tenant)s AND t.id = e.transaction_id
    ORDER BY {order}
"""
_ENTRIES = {"known": (_POSTED, "version"), "effective": (_IN_EFFECT, "counts_from, version")}


class PostgresStatements:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def statement(
        self, tenant: Tenant, account: AccountName, period: Period
    ) -> AsyncIterator[Reading | None]:
        async with self._pool.snapshot(tenant.id) as connection:
            found = await _account(connection, tenant, account)
            if found is None:
                yield None
                return
            id, standing = found
            statement, bounds = await _summed(connection, tenant, id, standing, period)
            async with aclosing(_lines(connection, statement, bounds)) as lines:
                yield Reading(statement, lines)


async def _account(
    connection: Connection, tenant: Tenant, name: AccountName
) -> tuple[int, Standing] | None:
    sql, words = (_BY_ID, [name]) if isinstance(name, str) else (_BY_CODE, list(name))
    row = await (await connection.execute(sql, [tenant.id, *words])).fetchone()
    return None if row is None else (row[0], standing_of(row[1:]))


async def _summed(
    connection: Connection, tenant: Tenant, id: int, standing: Standing, period: Period
) -> tuple[Statement, dict[str, Any]]:
    """With the bounds that its entries lie in."""
    place = {"tenant": tenant.id, "account": id}
    held = []
    for instant in (period.start - _INSTANT, period.end - _INSTANT):
        known = period.basis == "known"
        instants = as_of.instants(instant, None) if known else as_of.instants(None, instant)
        cursor = await connection.execute(_HELD, {**place, **instants})
        held += await cursor.fetchall()
    (opening, before, first), (closing, after, last) = held
    bounds = {**place, "first": first, "last": last, "start": period.start, "end": period.end}
    entries, _ = _ENTRIES[period.basis]
    ((debits, credits_),) = await (
        await connection.execute(_SUMS.format(entries=entries), bounds)
    ).fetchall()
    side = standing.account.normal_side
    return Statement(
        standing.account,
        period,
        normal(side, int(opening)),
        normal(side, int(closing)),
        int(debits),
        int(credits_),
        after - before,
    ), bounds


async def _lines(
    connection: Connection, statement: Statement, bounds: dict[str, Any]
) -> AsyncGenerator[Sequence[Line], None]:
    entries, order = _ENTRIES[statement.period.basis]
    side, balance = statement.account.normal_side, statement.opening
    account = statement.account.id
    async with connection.cursor(name="statement") as cursor:
        await cursor.execute(_LINES.format(entries=entries, order=order), bounds)
        while rows := await cursor.fetchmany(_AT_ONCE):
            lines: list[Line] = []
            for version, posted, effective, transaction, kind, words, reference, amount in rows:
                balance += normal(side, amount)
                of_entry = (version, posted, effective, transaction, kind, words, reference)
                lines.append(Line(account, *of_entry, amount, balance))
            yield lines
