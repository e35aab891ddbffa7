"""Giving rows their place in the chain of their tenant, for tables that are chained.

Such a table has the columns tenant_id, id, position and head: what has no position yet is given one
behind the last, in the order of ids, and with it the head of the chain there. Only one process does
so at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from guilder_server.kernel.heads import GENESIS, Tip, head
from guilder_server.kernel.tenant import OPERATOR, Tenant
from guilder_server.postgres.columns import BIGINT, BYTEA, ColumnType
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Connection

T = TypeVar("T")

# Whose chains there can be: of every tenant, and of whoever runs the server.
WHOSE = (
    "SELECT id, account_id, livemode FROM tenants "
    f"UNION ALL SELECT {OPERATOR.id}, '{OPERATOR.account}', {OPERATOR.livemode}"
)


@dataclass(frozen=True, slots=True)
class Chained:
    """`lock` is the advisory lock of whoever gives places, `prefix` what every head is hashed
    with. `content` is the column that `digest` makes the digest of a row of, with its id.
    `ready` is a further condition on a row `b`; `counted` is how many things that a
    checkpoint counts are in one, and `count` the column of the checkpoint."""

    table: str
    id: ColumnType
    lock: int
    prefix: bytes
    checkpoints: Mapping[Any]
    count: str
    counted: str
    content: str
    digest: Callable[[Any, bytes], bytes]
    ready: str = "true"

    @property
    def pending_sql(self) -> str:
        return (
            f"SELECT tenant_id, id, {self.content} FROM {self.table} b "
            "WHERE position IS NULL AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s) "
            f"AND {self.ready} ORDER BY tenant_id, id LIMIT %(limit)s"
        )

    @property
    def ends_sql(self) -> str:
        return (
            "SELECT t.tenant_id, last.position, last.head FROM unnest(%s::bigint[]) t(tenant_id) "
            f"CROSS JOIN LATERAL (SELECT position, head FROM {self.table} b "
            "WHERE b.tenant_id = t.tenant_id AND position IS NOT NULL "
            "ORDER BY position DESC LIMIT 1) last"
        )

    @property
    def place_sql(self) -> str:
        return (
            f"UPDATE {self.table} b SET position = v.position, head = v.head "
            "FROM unnest(%s, %s, %s, %s) v(tenant_id, id, position, head) "
            "WHERE b.tenant_id = v.tenant_id AND b.id = v.id"
        )

    @property
    def tips_sql(self) -> str:
        return f"""
            SELECT t.id, t.account_id, t.livemode, last.position, last.head,
                   coalesce(before.counted, 0) + grown.counted
            FROM ({WHOSE}) t
            CROSS JOIN LATERAL (
                SELECT position, head FROM {self.table} b
                WHERE b.tenant_id = t.id AND position IS NOT NULL ORDER BY position DESC LIMIT 1
            ) last
            LEFT JOIN LATERAL (
                SELECT position, {self.count} AS counted, created
                FROM {self.checkpoints.table.name} c
                WHERE c.tenant_id = t.id ORDER BY position DESC LIMIT 1
            ) before ON true
            CROSS JOIN LATERAL (
                SELECT sum({self.counted})::bigint AS counted FROM {self.table} b
                WHERE b.tenant_id = t.id AND b.position > coalesce(before.position, 0)
            ) grown
            WHERE last.position > coalesce(before.position, 0)
              AND (before.created IS NULL OR before.created <= %s)
            ORDER BY t.id
        """


@dataclass(frozen=True, slots=True)
class Placed:
    """A row that has its place; `id` is of the type of the table's."""

    tenant: int
    id: Any
    position: int
    head: bytes


async def locked(connection: Connection, chained: Chained) -> bool:
    """Whether it is now this transaction that gives places."""
    row = await (
        await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [chained.lock])
    ).fetchone()
    return row is not None and bool(row[0])


async def place(
    connection: Connection, chained: Chained, limit: int | None, tenant: Tenant | None = None
) -> list[Placed]:
    """Rows that wait get their place, at most `limit` of them; of all tenants or of one."""
    wanted = {"tenant": tenant and tenant.id, "limit": limit}
    pending = await (await connection.execute(chained.pending_sql, wanted)).fetchall()
    if not pending:
        return []
    ends = await ends_of(connection, chained, {row[0] for row in pending})
    placed = []
    for owner, id, content in pending:
        position, before = ends.get(owner, (0, GENESIS))
        position += 1
        after = head(chained.prefix, before, position, chained.digest(id, content))
        ends[owner] = position, after
        placed.append(Placed(owner, id, position, after))
    arrays = [
        BIGINT.array([one.tenant for one in placed]),
        chained.id.array([one.id for one in placed]),
        BIGINT.array([one.position for one in placed]),
        BYTEA.array([one.head for one in placed]),
    ]
    await connection.execute(chained.place_sql, arrays)
    return placed


async def ends_of(
    connection: Connection, chained: Chained, tenants: Iterable[int]
) -> dict[int, tuple[int, bytes]]:
    """Position and head of the last row of each chain."""
    found = await connection.execute(chained.ends_sql, [BIGINT.array(sorted(tenants))])
    return {tenant: (position, head) for tenant, position, head in await found.fetchall()}


async def sign(
    connection: Connection, chained: Chained, before: datetime, signed: Callable[[Tip], T]
) -> int:
    """A checkpoint for each chain that has grown since its last one, if that is from `before`; none
    while another is at it."""
    if not await locked(connection, chained):
        return 0
    rows = await (await connection.execute(chained.tips_sql, [before])).fetchall()
    if rows:
        tips = [Tip(*row) for row in rows]
        kept = chained.checkpoints
        arrays = kept.arrays([tip.tenant for tip in tips], [signed(tip) for tip in tips])
        await connection.execute(kept.insert_sql, arrays)
    return len(rows)
