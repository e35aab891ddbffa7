"""Going along a tenant's chain, with the lines of each block as its rows are now."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from guilder_server.ledger.infra.lines import Line, lines_of
from guilder_server.postgres.pool import Connection

# How many transactions are read at once, at least.
_AT_ONCE = 1000

_CHAINED = """
SELECT id, transactions, locators, digest, position, head FROM ledger_blocks
WHERE tenant_id = %s AND position > %s ORDER BY position
"""
_PENDING = """
SELECT id, transactions, locators, digest, position, head FROM ledger_blocks
WHERE tenant_id = %s AND position IS NULL ORDER BY id
"""
# The plan for a table of any size: what is wanted is found by its key.
BY_KEY = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
)


@dataclass(frozen=True, slots=True)
class Block:
    id: int
    transactions: list[str]
    locators: bytes
    digest: bytes
    position: int | None
    head: bytes | None

    @property
    def name(self) -> str:
        place = "without a place in the chain" if self.position is None else f"at {self.position}"
        return f"block {place}"


Lines = list[tuple[str, list[Line]]]  # of each transaction of a block; empty where it is gone


async def chained(
    connection: Connection, tenant: int, after: int = 0
) -> AsyncGenerator[tuple[Block, Lines], None]:
    """The blocks past a position. To be called in a transaction, one walk at a time; one that
    is not walked to its end has to be closed."""
    async with aclosing(_walk(connection, _CHAINED, [tenant, after])) as walk:
        async for one in walk:
            yield one


async def pending(connection: Connection, tenant: int) -> AsyncGenerator[tuple[Block, Lines], None]:
    """The blocks that have no place yet, in the order in which they will get one."""
    async with aclosing(_walk(connection, _PENDING, [tenant])) as walk:
        async for one in walk:
            yield one


async def _walk(
    connection: Connection, sql: str, values: Sequence[Any]
) -> AsyncGenerator[tuple[Block, Lines], None]:
    async with connection.cursor(name="blocks") as cursor:
        cursor.itersize = 200
        await cursor.execute(sql, values)
        waiting: list[Block] = []
        size = 0
        async for id, transactions, *rest in cursor:
            waiting.append(Block(id, transactions.split(" "), *rest))
            size += len(waiting[-1].transactions)
            if size >= _AT_ONCE:
                for one in await _with_lines(connection, values[0], waiting):
                    yield one
                waiting, size = [], 0
        for one in await _with_lines(connection, values[0], waiting):
            yield one


async def _with_lines(
    connection: Connection, tenant: int, blocks: Sequence[Block]
) -> list[tuple[Block, Lines]]:
    wanted = [id for block in blocks for id in block.transactions]
    found = await lines_of(connection, tenant, wanted) if wanted else {}
    return [(block, [(id, found.get(id, [])) for id in block.transactions]) for block in blocks]
