"""Giving blocks of the audit trail their place in the chain of their tenant, and signing heads.

Blocks are taken in the order of their ids, which are times. One that commits late, when others
have their place already, is next: what has no place yet is looked for by that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from guilder_server.audit.domain.checkpoint import Checkpoint
from guilder_server.audit.infra.tables import CHECKPOINTS
from guilder_server.kernel.heads import Tip
from guilder_server.postgres import chaining
from guilder_server.postgres.columns import TEXT
from guilder_server.postgres.pool import Connection, Pool
from guilder_server.postgres.trail import blocks

CHAINED = chaining.Chained(
    "audit_blocks",
    TEXT,
    4_711_007,
    b"guilder audit head 1\n",
    CHECKPOINTS,
    "entries",
    f"greatest(length(locators) / {blocks.LOCATOR}, 1)",
    "payload",
    blocks.digest,
)
_AT_ONCE = 2000


class PostgresAuditChain:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def extend(self) -> int:
        """Everything that has no place yet gets one, a bounded number in each transaction; how
        many blocks that were. Whoever comes while another is at it has nothing to do."""
        done = 0
        while True:
            async with self._pool.jobs.point() as connection:
                placed = await extend(connection)
            done += placed
            if placed < _AT_ONCE:
                return done

    async def sign(self, before: datetime, signed: Callable[[Tip], Checkpoint]) -> int:
        """A checkpoint for each chain that has grown since its last one, if that is from
        `before`."""
        async with self._pool.jobs.point() as connection, connection.transaction():
            return await chaining.sign(connection, CHAINED, before, signed)


async def extend(connection: Connection) -> int:
    """One round, in a transaction of its own."""
    async with connection.transaction():
        if not await chaining.locked(connection, CHAINED):
            return 0
        return len(await chaining.place(connection, CHAINED, _AT_ONCE))
