"""Writing the books of one tenant, as they stand in one snapshot.

What has no place in the chain yet gets it first, in the very snapshot that is exported: while
nobody else may give places, one connection takes the snapshot, another chains what the snapshot
shows, and only then the others may go on. So balances and holds are those of the last block, on a
ledger that does not rest as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg

from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.heads import GENESIS
from guilder_server.kernel.ids import microseconds
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.archive import lines
from guilder_server.ledger.archive.lines import Account, Block, End, Head, Hold, Profile, Writer
from guilder_server.ledger.archive.tenants import tenant_of
from guilder_server.ledger.domain import chain
from guilder_server.ledger.infra import walking
from guilder_server.ledger.infra.chaining import LOCK, place
from guilder_server.ledger.infra.lines import Line
from guilder_server.postgres import columns
from guilder_server.postgres.chaining import Placed
from guilder_server.postgres.pool import Connection

_ACCOUNTS = """
SELECT a.public_id, a.code, a.currency, a.normal_side, a.floor, a.ceiling, a.created,
       p.version, p.created, p.name, p.metadata::text, p.status
FROM ledger_accounts a
LEFT JOIN ledger_profiles p ON p.tenant_id = a.tenant_id AND p.id = a.public_id
WHERE a.tenant_id = %s ORDER BY a.public_id
"""
_HOLDS = """
SELECT id, version, created, status, pairs::text, description, reference, metadata::text,
       expires_at, exchange::text
FROM ledger_holds WHERE tenant_id = %s ORDER BY id
"""
_CHECKPOINT = """
SELECT id, created, position, head, transactions, public_key, signature
FROM ledger_checkpoints WHERE tenant_id = %s ORDER BY position DESC LIMIT 1
"""
_LAST = """
SELECT position, head FROM ledger_blocks
WHERE tenant_id = %s AND position IS NOT NULL ORDER BY position DESC LIMIT 1
"""
_exchange = msgspec.json.Decoder(Exchange)
_WAITING = "SELECT FROM ledger_backlog WHERE tenant_id = %s LIMIT 1"


def export(
    database_url: str, account: str, *, livemode: bool, write: Callable[[bytes], object]
) -> None:
    """Hands line by line to `write`. Raises Wrong."""
    asyncio.run(_export(database_url, account, livemode, write))


async def _export(
    database_url: str, account: str, livemode: bool, write: Callable[[bytes], object]
) -> None:
    async with (
        _snapshot(database_url) as connection,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other,
    ):
        # Nobody else gives places until `placed` is known.
        await other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        tenant = await tenant_of(connection, account, livemode)
        if await _one(connection, _WAITING, tenant.id) is not None:
            raise lines.Wrong(
                "Transactions from before the chain wait for their blocks. Run `guilder worker` "
                "until `guilder ledger verify` says nothing of them."
            )
        await connection.execute(walking.BY_KEY)
        placed = await _place(other, connection, tenant)
        await other.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        await _Export(connection, tenant, placed, write).run()


class _Export:
    def __init__(
        self,
        connection: Connection,
        tenant: Tenant,
        placed: dict[int, Placed],
        write: Callable[[bytes], object],
    ) -> None:
        self._connection, self._tenant, self._placed = connection, tenant, placed
        self._write, self._writer = write, Writer()
        self._counts = dict.fromkeys(("accounts", "blocks", "transactions", "entries", "holds"), 0)
        self._totals: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        tenant = self._tenant
        last = await _one(self._connection, _LAST, tenant.id)
        position, head = last or (0, GENESIS)
        if self._placed:
            end = max(self._placed.values(), key=lambda one: one.position)
            position, head = end.position, end.head
        self._write(
            self._writer.head(
                Head(
                    lines.FORMAT,
                    tenant.account,
                    tenant.livemode,
                    microseconds(datetime.now(UTC)),
                    position,
                    head.hex(),
                    await self._checkpoint(),
                )
            )
        )
        async for row in _streamed(self._connection, _ACCOUNTS, tenant.id):
            self._say("accounts", _account(row))
        for walk in (walking.chained, walking.pending):
            async with aclosing(walk(self._connection, tenant.id)) as blocks:
                async for block, own in blocks:
                    self._block(block, own)
        async for row in _streamed(self._connection, _HOLDS, tenant.id):
            self._say("holds", _hold(row))
        totals = dict(sorted(self._totals.items()))
        self._write(
            self._writer.body(
                End(**self._counts, totals=totals, position=position, head=head.hex())
            )
        )

    def _say(self, noun: str, line: lines.Body) -> None:
        self._counts[noun] += 1
        self._write(self._writer.body(line))

    def _block(self, block: walking.Block, transactions: walking.Lines) -> None:
        place = self._placed.get(block.id)
        position = block.position if place is None else place.position
        head = block.head if place is None else place.head
        found = [line for _, own in transactions for line, _ in own]
        if (
            position is None
            or head is None
            or chain.seal(found) != chain.Seal(block.locators, block.digest)
        ):
            raise lines.Wrong(
                f"The {block.name} is not as it was committed; `guilder ledger verify` says more."
            )
        self._say(
            "blocks",
            Block(
                position, len(transactions), block.locators.hex(), block.digest.hex(), head.hex()
            ),
        )
        for _, own in transactions:
            self._transaction(own)

    def _transaction(self, own: list[Line]) -> None:
        (_, header), *sides = own
        id, kind, source, created, available, currency, description, effective_at, *rest = header
        reference, reverses, metadata, pairs, exchange = rest
        entries = []
        for _, (code, unit, version, amount, balance, posted_at, effective) in sides:
            debits, credits_ = self._totals.get(unit, (0, 0))
            self._totals[unit] = debits + max(amount, 0), credits_ + max(-amount, 0)
            instants = (microseconds(posted_at), _maybe(effective))
            entries.append((code, unit, version, amount, balance, *instants))
        self._counts["entries"] += len(entries)
        self._say(
            "transactions",
            lines.Transaction(
                id,
                kind,
                source,
                microseconds(created),
                microseconds(available),
                currency,
                description,
                _maybe(effective_at),
                reference,
                reverses,
                _raw(metadata),
                _raw(pairs),
                _raw(exchange),
                entries,
            ),
        )

    async def _checkpoint(self) -> dict[str, Any] | None:
        row = await _one(self._connection, _CHECKPOINT, self._tenant.id)
        if row is None:
            return None
        id, created, position, head, transactions, public_key, signature = row
        return {
            "id": id,
            "created": microseconds(created) // 1_000_000,
            "position": position,
            "head": head.hex(),
            "transactions": transactions,
            "public_key": public_key.hex(),
            "signature": signature.hex(),
        }


@asynccontextmanager
async def _snapshot(database_url: str) -> AsyncIterator[Connection]:
    """A connection whose first statement takes the snapshot that all others see."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        columns.register(connection.adapters)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        yield connection


async def _place(other: Connection, connection: Connection, tenant: Tenant) -> dict[int, Placed]:
    """What the snapshot shows without a place gets it, and keeps it whatever becomes of the
    export."""
    row = await _one(connection, "SELECT pg_export_snapshot()")
    assert row is not None
    columns.register(other.adapters)
    async with other.transaction():
        await other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await other.execute(f"SET TRANSACTION SNAPSHOT '{row[0]}'")
        return {one.id: one for one in await place(other, tenant)}


async def _one(connection: Connection, query: str, *values: Any) -> tuple[Any, ...] | None:
    return await (await connection.execute(query, values or None)).fetchone()


async def _streamed(
    connection: Connection, query: str, *values: Any
) -> AsyncIterator[tuple[Any, ...]]:
    async with connection.cursor(name="rows") as cursor:
        cursor.itersize = 2000
        await cursor.execute(query, values)
        async for row in cursor:
            yield row


def _account(row: tuple[Any, ...]) -> Account:
    id, code, currency, side, floor, ceiling, created, version, *profile = row
    own = None
    if version is not None:
        since, name, metadata, status = profile
        own = Profile(version, microseconds(since), name, msgspec.json.decode(metadata), status)
    return Account(id, code, currency, side, floor, ceiling, microseconds(created), own)


def _hold(row: tuple[Any, ...]) -> Hold:
    id, version, created, status, pairs, description, reference, metadata, *rest = row
    expires_at, exchange = rest
    return Hold(
        id,
        version,
        microseconds(created),
        status,
        msgspec.json.decode(pairs),
        description,
        reference,
        msgspec.json.decode(metadata),
        _maybe(expires_at),
        None if exchange is None else _exchange.decode(exchange),
    )


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else microseconds(instant)


def _raw(text: str | None) -> msgspec.Raw:
    return msgspec.Raw(b"null" if text is None else text.encode())
