"""Giving blocks their place in the chain of their tenant.

Blocks are taken in the order of their numbers. A number is taken while the accounts of the block
are locked, and the locks are let go once the block is committed: of two blocks on one account,
whoever sees the later one sees the earlier one too, and it has the lower number. So the versions
of an account follow one another along the chain. A block that commits late, when higher numbers
have their place already, shares no account with them, and is next as any other: what has no place
yet is looked for by that, and not by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from guilder_server.kernel.heads import GENESIS, Tip
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import chain
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.infra.blocks import LARGEST_BLOCK
from guilder_server.ledger.infra.lines import Line, lines_of
from guilder_server.ledger.infra.tables import CHECKPOINTS
from guilder_server.postgres import chaining
from guilder_server.postgres.chaining import Chained, Placed
from guilder_server.postgres.columns import BIGINT, BYTEA, TEXT
from guilder_server.postgres.pool import Connection, Pool

_AT_ONCE = 2000
CHAINED = Chained(
    "ledger_blocks",
    BIGINT,
    4_711_006,
    chain.PREFIX,
    CHECKPOINTS,
    "transactions",
    "cardinality(string_to_array(transactions, ' '))",
    "digest",
    lambda _id, digest: digest,
    "NOT EXISTS (SELECT FROM ledger_backlog l WHERE l.tenant_id = b.tenant_id)",
)
LOCK = CHAINED.lock

_BACKLOG = """
DELETE FROM ledger_backlog l USING (
    SELECT tenant_id, id FROM ledger_backlog
    WHERE tenant_id = (SELECT min(tenant_id) FROM ledger_backlog) ORDER BY id LIMIT %s
) next WHERE l.tenant_id = next.tenant_id AND l.id = next.id RETURNING l.tenant_id, l.id
"""
_SEALED = """
INSERT INTO ledger_blocks (tenant_id, transactions, locators, digest, position, head)
SELECT tenant_id, transactions, locators, digest, position, head
FROM unnest(%s, %s, %s, %s, %s, %s)
  AS b(tenant_id, transactions, locators, digest, position, head) ORDER BY position
"""


class PostgresChain:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def extend(self) -> int:
        """Everything that has no place yet gets one, a bounded number in each transaction; how
        many blocks that were. Whoever comes while another is at it has nothing to do."""
        done = 0
        while True:
            async with self._pool.jobs.point() as connection, connection.transaction():
                if not await chaining.locked(connection, CHAINED):
                    return done
                sealed = await seal_backlog(connection)
                placed = 0 if sealed else len(await place(connection))
            done += sealed + placed
            if not sealed and placed < _AT_ONCE:
                return done

    async def sign(self, before: datetime, signed: Callable[[Tip], Checkpoint]) -> int:
        """A checkpoint for each chain that has grown since its last one, if that is from
        `before`."""
        async with self._pool.jobs.point() as connection, connection.transaction():
            return await chaining.sign(connection, CHAINED, before, signed)


async def seal_backlog(connection: Connection) -> int:
    """Some transactions of before the chain get their blocks; how many blocks that were."""
    rows = await (await connection.execute(_BACKLOG, [_AT_ONCE])).fetchall()
    if not rows:
        return 0
    tenant = rows[0][0]
    ids = sorted(id for _, id in rows)
    lines = await lines_of(connection, tenant, ids)
    groups = _groups([(id, lines[id]) for id in ids if id in lines])
    seals = [chain.seal([line for _, own in group for line, _ in own]) for group in groups]
    ends = await chaining.ends_of(connection, CHAINED, [tenant])
    positions, heads = _follow(ends.get(tenant), seals)
    arrays = [
        BIGINT.array([tenant] * len(groups)),
        TEXT.array([" ".join(id for id, _ in group) for group in groups]),
        BYTEA.array([seal.locators for seal in seals]),
        BYTEA.array([seal.digest for seal in seals]),
        BIGINT.array(positions),
        BYTEA.array(heads),
    ]
    await connection.execute(_SEALED, arrays)
    return len(groups)


async def place(connection: Connection, tenant: Tenant | None = None) -> list[Placed]:
    """Blocks that wait get their place: some of all tenants, or all of one."""
    return await chaining.place(connection, CHAINED, None if tenant else _AT_ONCE, tenant)


def _follow(
    end: tuple[int, bytes] | None, seals: Sequence[chain.Seal]
) -> tuple[list[int], list[bytes]]:
    position, head = end or (0, GENESIS)
    heads = []
    for number, seal in enumerate(seals, position + 1):
        head = chain.head(head, number, seal.digest)
        heads.append(head)
    return list(range(position + 1, position + 1 + len(seals))), heads


def _groups(transactions: Sequence[tuple[str, list[Line]]]) -> list[list[tuple[str, list[Line]]]]:
    """Those of one block each."""
    groups: list[list[tuple[str, list[Line]]]] = []
    size = LARGEST_BLOCK
    for one in transactions:
        if not groups or size + len(one[1]) > LARGEST_BLOCK:
            groups.append([])
            size = 0
        groups[-1].append(one)
        size += len(one[1])
    return groups
