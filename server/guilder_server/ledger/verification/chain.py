"""The chain: every row as it was committed, every transaction in one block, no other head."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from guilder_server.kernel.clock import unix
from guilder_server.kernel.heads import GENESIS
from guilder_server.ledger.domain import chain
from guilder_server.ledger.domain.checkpoint import signed_text
from guilder_server.ledger.infra.walking import Block, Lines, chained, pending
from guilder_server.ledger.verification.blame import difference
from guilder_server.ledger.verification.proof import Proof
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.signing import is_signed

ROWS = "every row is as it was committed, and the chain has no gap"
CHECKPOINTS = "the chain passes through every checkpoint, and each is signed"

_TENANTS = """
SELECT b.tenant_id, coalesce(t.account_id || CASE WHEN t.livemode THEN '/live' ELSE '/test' END,
                             b.tenant_id::text)
FROM (SELECT DISTINCT tenant_id FROM ledger_blocks) b LEFT JOIN tenants t ON t.id = b.tenant_id
ORDER BY b.tenant_id
"""
_AT = "SELECT head FROM ledger_blocks WHERE tenant_id = %s AND position = %s"
_COVERED = """
SELECT format('transaction %s of tenant %s is in %s', t.id, t.tenant_id,
              CASE WHEN b.count IS NULL THEN 'no block' ELSE b.count || ' blocks' END)
FROM ledger_transactions t
LEFT JOIN (
    SELECT s.tenant_id, own.id, count(*) FROM ledger_blocks s
    CROSS JOIN LATERAL unnest(string_to_array(s.transactions, ' ')) own(id) GROUP BY 1, 2
) b ON b.tenant_id = t.tenant_id AND b.id = t.id
LEFT JOIN ledger_backlog l ON l.tenant_id = t.tenant_id AND l.id = t.id
WHERE coalesce(b.count, 0) + (l.id IS NOT NULL)::int <> 1
ORDER BY t.tenant_id, t.id LIMIT 1
"""
_CHECKPOINTS = """
SELECT c.tenant_id, c.id, t.account_id, t.livemode, c.position, c.head, c.created, c.public_key,
       c.signature, b.head, c.transactions, b.transactions
FROM ledger_checkpoints c
LEFT JOIN tenants t ON t.id = c.tenant_id
LEFT JOIN (
    SELECT tenant_id, position, head,
           sum(cardinality(string_to_array(transactions, ' ')))
               OVER (PARTITION BY tenant_id ORDER BY position) AS transactions
    FROM ledger_blocks WHERE position IS NOT NULL
) b ON b.tenant_id = c.tenant_id AND b.position = c.position
ORDER BY c.tenant_id, c.position
"""

COVERED = Proof("every transaction is in one block", _COVERED)


class Altered(Exception):
    """What was committed is not there as it was; the message is a sentence."""


@dataclass(slots=True)
class Walk:
    """Goes along all chains, from what is remembered of each if it is `incremental`. `ends` is
    how far each goes."""

    connection: Connection
    remembered: Mapping[str, Mark]
    incremental: bool
    ends: dict[str, Mark] = field(default_factory=dict)
    blocks: int = 0
    waiting: int = 0
    entries: int = 0

    async def run(self) -> None:
        """Raises Altered at the first difference."""
        rows = await (await self.connection.execute(_TENANTS)).fetchall()
        gone = sorted(self.remembered.keys() - {name for _, name in rows})
        if gone:
            raise Altered(f"the chain of {gone[0]} was remembered and is gone")
        for tenant, name in rows:
            await self._tenant(tenant, name)

    async def _tenant(self, tenant: int, name: str) -> None:
        mark = self.remembered.get(name)
        position, head = 0, GENESIS
        if mark is not None and self.incremental:
            await self._passes(tenant, name, mark)
            position, head = mark.position, mark.head
        async with aclosing(chained(self.connection, tenant, position)) as walk:
            async for block, lines in walk:
                position += 1
                if block.position != position:
                    raise Altered(f"the block at {position} of tenant {tenant} is gone")
                await self._block(tenant, block, lines)
                head = chain.head(head, position, block.digest)
                if head != block.head:
                    raise Altered(
                        f"the chain of tenant {tenant} has another head at {position} than its "
                        "blocks up to there give"
                    )
        if mark is not None and not self.incremental:
            await self._passes(tenant, name, mark)
        if position:
            self.ends[name] = Mark(position, head)
        async with aclosing(pending(self.connection, tenant)) as walk:
            async for block, lines in walk:
                await self._block(tenant, block, lines)
                if block.head is not None:
                    raise Altered(f"a block of tenant {tenant} has a head, and no place")
                self.waiting += 1

    async def _block(self, tenant: int, block: Block, lines: Lines) -> None:
        sentence = await difference(self.connection, tenant, block, lines)
        if sentence is not None:
            raise Altered(sentence)
        self.blocks += 1
        self.entries += sum(len(own) - 1 for _, own in lines)

    async def _passes(self, tenant: int, name: str, mark: Mark) -> None:
        row = await (await self.connection.execute(_AT, [tenant, mark.position])).fetchone()
        if row is None:
            raise Altered(f"the chain of {name} ends before {mark.position}, which was remembered")
        if row[0] != mark.head:
            raise Altered(
                f"the chain of {name} does not pass through the head that was remembered at "
                f"{mark.position}"
            )


async def check_checkpoints(connection: Connection) -> set[str]:
    """Raises Altered at the first one that is not right; the public keys that signed."""
    keys = set()
    async with connection.cursor(name="checkpoints") as cursor:
        cursor.itersize = 1000
        await cursor.execute(_CHECKPOINTS)
        async for tenant, id, account, livemode, position, head, created, key, *rest in cursor:
            signature, there, said, counted = rest
            named = f"checkpoint {id} of tenant {tenant}"
            if there is None:
                raise Altered(f"{named} is of position {position}, where the chain has no block")
            if there != head:
                raise Altered(f"{named} has another head than the chain at {position}")
            text = signed_text(str(account), bool(livemode), position, head, created)
            # A fraction of a second would not be seen in the text.
            whole = created.microsecond == 0 and unix(created) >= 0
            if not whole or not is_signed(text, key, signature):
                raise Altered(f"the signature of {named} is not of what it shows")
            if said != counted:
                raise Altered(
                    f"{named} says {said} transactions, the chain has {counted} up to {position}"
                )
            keys.add(key.hex())
    return keys
