"""A small world for the committer: shelves and the books on them, beside the real keys, ledger,
events and webhook deliveries of the product."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from guilder_server.events.infra.log import EventLog
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.infra.poster import poster
from guilder_server.postgres.committer import Committer, PartMaker, Statement
from guilder_server.postgres.isolation import isolate
from guilder_server.postgres.keys import Keys
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.rows import Mappings
from guilder_server.postgres.schema import id_column, instant_column, tenant_column
from guilder_server.webhooks.infra.fanout import FanOut

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TENANT = Tenant(1, "acct_1", livemode=False)
STRANGER = Tenant(2, "acct_2", livemode=False)

_metadata = sa.MetaData()
# Ends the connection that asks for it. The roles of the server may not, as they are not the login.
_HANG_UP = """
CREATE FUNCTION library_hang_up() RETURNS boolean LANGUAGE sql SECURITY DEFINER
AS 'SELECT pg_terminate_backend(pg_backend_pid())'
"""


@dataclass(frozen=True)
class Shelf:
    id: str
    version: int
    created: datetime
    words: str


@dataclass(frozen=True)
class Book:
    """Its price may not fall below zero, and its shelf must be there."""

    id: str
    version: int
    created: datetime
    shelf_id: str
    price: int


SHELVES = Mapping(
    Shelf,
    sa.Table(
        "library_shelves",
        _metadata,
        tenant_column(),
        id_column(),
        sa.Column("version", sa.Integer, nullable=False),
        instant_column("created"),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    ),
)
BOOKS = Mapping(
    Book,
    sa.Table(
        "library_books",
        _metadata,
        tenant_column(),
        id_column(),
        sa.Column("version", sa.Integer, nullable=False),
        instant_column("created"),
        id_column("shelf_id"),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shelf_id"], ["library_shelves.tenant_id", "library_shelves.id"]
        ),
        sa.CheckConstraint("price >= 0", name="library_books_price"),
    ),
)


def furnish(url: str) -> None:
    """The two tables, where they are not there yet."""
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        if sa.inspect(connection).has_table("library_shelves"):
            return
        _metadata.create_all(connection)
        for table in _metadata.tables:
            for statement in isolate(table, commits="SELECT, INSERT, UPDATE"):
                connection.execute(sa.text(statement))
        connection.execute(sa.text(_HANG_UP))


class Record:
    """Writes down which sets each transaction carried, and takes no other part in it."""

    def __init__(self) -> None:
        self.batches: list[list[Changes]] = []

    def __call__(self, sets: Sequence[Changes]) -> Record:
        self.batches.append(list(sets))
        return self

    def order(self) -> list[Changes]:
        """The sets in the order in which they were decided: each where it came last."""
        last = {id(changes): changes for batch in reversed(self.batches) for changes in batch[::-1]}
        return list(last.values())[::-1]

    def first(self) -> list[Statement]:
        return []

    def read(self, results: list[list[Any]]) -> None: ...

    def refusal(self, changes: Changes) -> None: ...

    def grant(self, changes: Changes) -> None: ...

    def second(self) -> list[Statement]:
        return []

    def distrust(self) -> bool:
        return False


class Intruder(Record):
    """Slips the call of a function into the transactions that carry a set of this tenant, or
    carry nothing else if `alone`."""

    def __init__(
        self, function: str, tenant: Tenant, *, first: bool = False, alone: bool = False
    ) -> None:
        super().__init__()
        # The second trip takes what writes; this would, if the function said "never".
        self._statement = (
            "INSERT INTO library_shelves (tenant_id, id) "
            f"SELECT 0, said::text FROM {function} AS said WHERE said::text = 'never' "
            "RETURNING id"
        )
        self._tenant, self._first, self._alone = tenant, first, alone

    def _slipped_in(self, here: bool) -> list[Statement]:
        batch = self.batches[-1]
        meant = any(changes.tenant == self._tenant for changes in batch)
        meant = meant and not (self._alone and len(batch) > 1)
        return [(self._statement, ())] if meant and here else []

    def first(self) -> list[Statement]:
        return self._slipped_in(self._first)

    def second(self) -> list[Statement]:
        return self._slipped_in(not self._first)


@dataclass
class Library:
    url: str
    pool: Pool
    committer: Committer
    record: Record
    reads: MergedReads
    stranger: psycopg.AsyncConnection[tuple[Any, ...]]

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What somebody else finds in the database."""
        return await (await self.stranger.execute(query, values or None)).fetchall()

    async def listen(self, tenant: Tenant, id: str = "we_listener", types: str = '["*"]') -> None:
        """From now on a webhook endpoint of the tenant takes events of these types."""
        await self.stranger.execute(
            "INSERT INTO webhook_endpoints (tenant_id, id, version, created, url, enabled_events, "
            "metadata, connect, secret, slot) "
            "SELECT %s, %s, 1, %s, 'https://shop.example', %s, '{}', false, '', 1 + count(*) "
            "FROM webhook_endpoints WHERE tenant_id = %s",
            [tenant.id, id, NOW, types, tenant.id],
        )

    async def find(self, mapping: Mapping[Any], id: str, tenant: Tenant = TENANT) -> Any:
        return await self.reads.one(mapping.lookup, tenant.id, id)


@asynccontextmanager
async def opened(
    url: str,
    *further: PartMaker,
    wait_s: float = 5,
    committed: Callable[[Sequence[Changes]], None] | None = None,
) -> AsyncIterator[Library]:
    """The library at `url`, its committer made as the application makes its own; `further`
    parts come last."""
    pool = Pool(url, wait_s=wait_s)
    await pool.open()
    record = Record()
    shelves = Mappings([SHELVES, BOOKS]).part()
    parts = [record, Keys, shelves, poster(), EventLog, FanOut, *further]
    committer = Committer(pool, parts, committed)
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as stranger:
            yield Library(url, pool, committer, record, MergedReads(pool), stranger)
    finally:
        await pool.close()
