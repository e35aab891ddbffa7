"""Reading books into a tenant that has none, line by line, all in one database transaction.

Each line is held against what the block before it says of it, each block against the head of the
chain. What follows from transactions and holds (balances, what is held, references, reversals) is
not read but made again, and in the end the proofs of `guilder ledger verify` are carried out on
these books alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import msgspec
import psycopg

from guilder_server.kernel.heads import GENESIS
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.archive import rebuilding
from guilder_server.ledger.archive.lines import (
    LONGEST_LINE,
    Account,
    Block,
    End,
    Head,
    Hold,
    Reader,
    Transaction,
    Wrong,
    WrongLine,
)
from guilder_server.ledger.archive.rows import Rows, Unopened
from guilder_server.ledger.archive.tenants import tenant_for
from guilder_server.ledger.domain import chain
from guilder_server.ledger.infra.blocks import canonical
from guilder_server.postgres import columns
from guilder_server.postgres.pool import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Imported:
    transactions: int
    entries: int
    position: int
    head: str


def import_(database_url: str, account: str, *, livemode: bool, file: BinaryIO) -> Imported:
    """Raises Wrong, and then nothing is there that was not before."""
    return asyncio.run(_import(database_url, account, livemode, file))


async def _import(database_url: str, account: str, livemode: bool, file: BinaryIO) -> Imported:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        columns.register(connection.adapters)
        try:
            async with connection.transaction():
                tenant = await tenant_for(connection, account, livemode)
                await rebuilding.refuse_used(connection, tenant)
                return await _Import(connection, tenant, file).run()
        except psycopg.errors.UniqueViolation as error:
            table = error.diag.table_name or "the ledger"
            raise Wrong(
                f"The file has a row of {table} twice ({error.diag.message_detail}), or somebody "
                "posted there meanwhile. Nothing was imported."
            ) from error
        except psycopg.DataError as error:
            raise Wrong(
                f"The database does not take what is there: {error.diag.message_primary}. "
                "Nothing was imported."
            ) from error
        except psycopg.errors.CheckViolation as error:
            raise Wrong(
                f"A row does not keep {error.diag.constraint_name}. Nothing was imported."
            ) from error


@dataclass(slots=True)
class _Open:
    """A block whose transactions are being read."""

    line: int
    block: Block
    locators: list[bytes]
    ids: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


class _Import:
    def __init__(self, connection: Connection, tenant: Tenant, file: BinaryIO) -> None:
        self._connection, self._tenant, self._file = connection, tenant, file
        self._reader = Reader()
        self._open: _Open | None = None
        self._position, self._head = 0, GENESIS
        self._counts = dict.fromkeys(("accounts", "blocks", "transactions", "entries", "holds"), 0)
        self._totals: dict[str, tuple[int, int]] = {}
        self._stage = 0
        self._rows = Rows(connection, tenant)

    async def run(self) -> Imported:
        head = self._reader.head(self._next())
        while True:
            line = self._reader.body(self._next())
            self._in_order(line)
            match line:
                case Account():
                    self._count("accounts")
                    self._account(line)
                case Block():
                    self._count("blocks")
                    self._begin(line)
                case Transaction():
                    self._count("transactions")
                    self._transaction(line)
                case Hold():
                    self._count("holds")
                    self._hold(line)
                case End():
                    await self._write()
                    return await self._end(head, line)
            if self._rows.many:
                await self._write()

    def _next(self) -> bytes:
        text = self._file.readline(LONGEST_LINE)
        if not text:
            raise WrongLine(self._reader.number + 1, "the file ends before its last line.")
        return text

    def _wrong(self, reason: str) -> WrongLine:
        return WrongLine(self._reader.number, reason)

    def _count(self, noun: str) -> None:
        self._counts[noun] += 1

    def _in_order(self, line: object) -> None:
        """Accounts, blocks with their transactions, holds, the end."""
        stage = {Account: 0, Block: 1, Transaction: 1, Hold: 2, End: 3}[type(line)]  # type: ignore[index]
        missing = self._open is not None and not isinstance(line, Transaction)
        if stage < self._stage or missing or (isinstance(line, Transaction) and not self._open):
            raise self._wrong("it is not where such a line belongs.")
        self._stage = stage

    def _begin(self, block: Block) -> None:
        if block.position != self._position + 1:
            raise self._wrong(f"the block is at {block.position}, after one at {self._position}.")
        try:
            locators, digest = bytes.fromhex(block.locators), bytes.fromhex(block.digest)
        except ValueError as error:
            raise self._wrong(f"it cannot be understood ({error}).") from error
        head = chain.head(self._head, block.position, digest)
        if head.hex() != block.head:
            raise self._wrong("the head does not follow from the blocks up to here.")
        if block.transactions < 1:
            raise self._wrong("the block has no transactions.")
        self._position, self._head = block.position, head
        self._open = _Open(self._reader.number, block, chain.split(locators)[::-1])

    def _transaction(self, line: Transaction) -> None:
        block = self._open
        assert block is not None, "lines are in order"
        header = self._header(line)
        self._found(block, chain.header(*header), "the transaction")
        for number, one in enumerate(line.entries, 1):
            code, currency, version, amount, balance, *instants = one
            posted_at, effective_at = map(self._instant, instants)
            assert posted_at is not None, "it is no null in the file"
            values = (code, currency, version, amount, balance, posted_at, effective_at)
            self._found(block, chain.entry(*values), f"entry {number} of the transaction")
            self._rows.add("entries", code, currency, version, line.id, *values[3:])
            debits, credits_ = self._totals.get(currency, (0, 0))
            self._totals[currency] = debits + max(amount, 0), credits_ + max(-amount, 0)
        self._counts["entries"] += len(line.entries)
        documents = map(_plain, (line.metadata, line.pairs, line.exchange))
        self._rows.add("transactions", *header[:-3], *documents)
        block.ids.append(line.id)
        if len(block.ids) == block.block.transactions:
            self._close(block)

    def _header(self, line: Transaction) -> tuple[Any, ...]:
        return (
            line.id,
            line.type,
            line.source,
            self._instant(line.created),
            self._instant(line.available),
            line.currency,
            line.description,
            self._instant(line.effective_at),
            line.reference,
            line.reverses,
            canonical(_plain(line.metadata)),
            canonical(_plain(line.pairs)),
            canonical(_plain(line.exchange)),
        )

    def _found(self, block: _Open, line: bytes, what: str) -> None:
        if not block.locators or block.locators.pop() != chain.locator(line):
            raise self._wrong(
                f"{what} is not as it was committed in the block at {block.block.position} "
                f"(line {block.line})."
            )
        block.lines.append(line)

    def _close(self, block: _Open) -> None:
        digest = chain.seal(block.lines).digest
        if block.locators or digest.hex() != block.block.digest:
            raise WrongLine(
                block.line,
                f"the digest of the block at {block.block.position} is not that of its rows.",
            )
        given = block.block
        places = (given.position, self._head)
        self._rows.add(
            "blocks", " ".join(block.ids), bytes.fromhex(given.locators), digest, *places
        )
        self._open = None

    async def _end(self, head: Head, end: End) -> Imported:
        told = (end.position, end.head)
        if told != (self._position, self._head.hex()) or told != (head.position, head.head):
            raise self._wrong("the chain ends elsewhere than the first and the last line say.")
        counted = {name: getattr(end, name) for name in self._counts}
        if counted != self._counts or end.totals != self._totals:
            raise self._wrong("its counts and totals are not those of the lines before.")
        if self._file.readline(1):
            raise WrongLine(self._reader.number + 1, "there is something after the last line.")
        await rebuilding.rebuild(self._connection, self._tenant, self._position, self._head)
        await rebuilding.prove(self._connection, self._tenant)
        return Imported(
            self._counts["transactions"], self._counts["entries"], self._position, end.head
        )

    async def _write(self) -> None:
        try:
            await self._rows.write()
        except Unopened:
            raise self._wrong(
                "an entry up to here is on an account that no line has opened."
            ) from None

    def _account(self, line: Account) -> None:
        created = self._instant(line.created)
        limits = (line.normal_side, line.floor, line.ceiling)
        named = (line.code, line.currency, *limits)
        self._rows.add("accounts", *named, line.id, created, created)
        if (own := line.profile) is not None:
            since = self._instant(own.created)
            said = (own.name, own.metadata, own.status)
            self._rows.add("profiles", line.id, own.version, since, *named, *said)

    def _hold(self, line: Hold) -> None:
        state = (line.id, line.version, self._instant(line.created), line.status, line.pairs)
        said = (line.description, line.reference, line.metadata)
        self._rows.add("holds", *state, *said, self._instant(line.expires_at), line.exchange)

    def _instant(self, microseconds: int | None) -> datetime | None:
        if microseconds is None:
            return None
        try:
            return _EPOCH + timedelta(microseconds=microseconds)
        except OverflowError:
            raise self._wrong(f"{microseconds} is no instant.") from None


def _plain(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw)
