"""Books whose rows are altered, looked at and put back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.verification.chain import (
    COVERED,
    Altered,
    Mark,
    Walk,
    check_checkpoints,
)
from guilder_server.postgres.pool import Connection


class Books:
    """Rows by table, as PostgreSQL writes them, each under its place on disk."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def columns(self, table: str) -> dict[str, str]:
        """Their types, by name."""
        rows = await self._rows(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
            [table],
        )
        return dict(rows)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        names = await self.columns(table)
        shown = ", ".join(f"{name}::text" for name in names)
        order = "tenant_id, 2, 3"
        found = await self._rows(f"SELECT ctid::text, {shown} FROM {table} ORDER BY {order}")
        return [dict(zip(["ctid", *names], row, strict=True)) for row in found]

    async def difference(
        self, marks: Mapping[str, Mark] | None = None, tenant: Tenant | None = None
    ) -> str | None:
        """What the chain's proofs say, of all tenants or of one."""
        walk = Walk(self.connection, marks or {}, incremental=marks is not None)
        try:
            await (walk.run() if tenant is None else walk._tenant(tenant.id, "one"))
            for (sentence,) in await self._rows(COVERED.differences):
                return str(sentence)
            await check_checkpoints(self.connection)
        except Altered as altered:
            return str(altered)
        return None

    async def ends(self) -> dict[str, Mark]:
        walk = Walk(self.connection, {}, incremental=False)
        await walk.run()
        return walk.ends

    @asynccontextmanager
    async def altered(self, statement: str, *values: Any) -> AsyncIterator[None]:
        """One row is another for as long as the context lasts."""
        async with self.connection.transaction(force_rollback=True):
            changed = await self.connection.execute(statement, values or None)
            assert changed.rowcount == 1, f"{changed.rowcount} rows: {statement}"
            yield

    async def _rows(self, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        return await (await self.connection.execute(query, values)).fetchall()


@asynccontextmanager
async def laid_open(superuser_url: str) -> AsyncIterator[Books]:
    """For somebody whom no constraint stops."""
    async with await psycopg.AsyncConnection.connect(superuser_url) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.commit()
        yield Books(connection)
        await connection.rollback()
