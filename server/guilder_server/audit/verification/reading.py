"""Blocks of the trail as they are now."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from guilder_server.postgres.pool import Connection
from guilder_server.postgres.trail import blocks

_COLUMNS = "SELECT id, terms, locators, payload, position, head FROM audit_blocks"
CHAINED = f"{_COLUMNS} WHERE tenant_id = %s AND position > %s ORDER BY position"
PENDING = f"{_COLUMNS} WHERE tenant_id = %s AND position IS NULL ORDER BY id"
EVERY = f"{_COLUMNS} WHERE tenant_id = %s ORDER BY position NULLS LAST, id"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    terms: int
    locators: bytes
    payload: bytes
    position: int | None
    head: bytes | None

    def lines(self) -> list[bytes]:
        """Raises Damaged."""
        return blocks.lines_of(blocks.unpack(self.payload))

    def entries(self) -> list[blocks.Entry]:
        """Raises Damaged."""
        return [blocks.entry(self.id, n, line) for n, line in enumerate(self.lines())]

    def name(self) -> str:
        """Its first entry, and how many more there are."""
        try:
            first, *others = self.entries()
        except (blocks.Damaged, ValueError):
            return f"entry {self.id}{when(self.id)}"
        return f"entry {said(first)}" + (f" and {len(others)} more" if others else "")


async def walked(
    connection: Connection, sql: str, *values: Any, name: str = "blocks"
) -> AsyncGenerator[Row, None]:
    """To be closed if it is not walked to its end; walks beside one another have other names."""
    async with connection.cursor(name=name) as cursor:
        cursor.itersize = _AT_ONCE
        await cursor.execute(sql, values)
        async for row in cursor:
            yield Row(*row)


async def row_at(connection: Connection, tenant: int, position: int) -> Row | None:
    asked: Sequence[int] = [tenant, position]
    sql = f"{_COLUMNS} WHERE tenant_id = %s AND position = %s"
    row = await (await connection.execute(sql, asked)).fetchone()
    return None if row is None else Row(*row)


def said(entry: blocks.Entry) -> str:
    """An entry for whoever has to look into it."""
    actor = entry.cause.actor
    return f"{entry.id} ({entry.cause.action} by {actor.kind} {actor.id}{when(entry.id)})"


def when(id: str) -> str:
    if not blocks.is_id(id):
        return ""
    return f", {blocks.instant_of(id).isoformat(timespec='seconds')}"
