"""Objects and their rows: what is kept comes back equal, whatever its fields hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypedDict

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.capabilities import MAPPINGS
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.isolation import isolate
from guilder_server.postgres.mapping import Mapping, SharedMapping
from guilder_server.postgres.pool import Connection, Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.rows import Mappings
from guilder_server.postgres.schema import id_column, instant_column, json_column, tenant_column
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Label:
    text: str
    size: int | None = None


class Place(TypedDict):
    room: str
    shelf: int | None


@dataclass(frozen=True)
class Crate:
    id: str
    version: int
    created: datetime
    weight: int
    sealed: bool
    content: bytes
    name: str | None = None
    opened: datetime | None = None
    place: Place | None = None
    label: Label | None = None
    labels: tuple[Label, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


def _table(name: str, *further: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        tenant_column(),
        id_column(),
        sa.Column("version", sa.Integer, nullable=False),
        instant_column("created"),
        sa.Column("weight", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Boolean, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text),
        instant_column("opened", nullable=True),
        json_column("place", nullable=True),
        json_column("label", nullable=True),
        json_column("labels"),
        *further,
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )


CRATES = Mapping(Crate, _table("library_crates", json_column("metadata")))

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
_instants = st.datetimes(
    datetime.fromisoformat("1970-01-01"),
    datetime.fromisoformat("2200-01-01"),
    timezones=st.just(UTC),
)
_sizes = st.integers(-(1 << 63), (1 << 63) - 1)
_labels = st.builds(Label, _texts, st.none() | _sizes)
_crates = st.builds(
    Crate,
    id=_texts.filter(bool),
    version=st.just(1),
    created=_instants,
    weight=_sizes,
    sealed=st.booleans(),
    content=st.binary(max_size=10),
    name=st.none() | _texts,
    opened=st.none() | _instants,
    place=st.none() | st.fixed_dictionaries({"room": _texts, "shelf": st.none() | _sizes}),
    label=st.none() | _labels,
    labels=st.lists(_labels, max_size=3).map(tuple),
    metadata=st.dictionaries(_texts, _texts, max_size=3),
)


@pytest.fixture(scope="module")
async def stock(postgres: TestDatabases) -> AsyncIterator[tuple[Committer, MergedReads]]:
    with postgres.database() as url:
        engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
        )
        CRATES.table.create(engine)
        with engine.begin() as connection:
            for statement in isolate("library_crates", commits="SELECT, INSERT, UPDATE"):
                connection.execute(sa.text(statement))
        pool = Pool(url)
        await pool.open()
        yield Committer(pool, [Mappings([CRATES]).part()]), MergedReads(pool)
        await pool.close()


_next_tenant = iter(range(1, 1 << 30))


@given(
    crates=st.lists(_crates, min_size=1, max_size=4, unique_by=lambda crate: crate.id),
    later=_crates,
)
@settings(suppress_health_check=list(HealthCheck))
async def test_what_is_kept_comes_back_and_so_does_what_it_becomes(
    stock: tuple[Committer, MergedReads], crates: list[Crate], later: Crate
) -> None:
    committer, reads = stock
    tenant = Tenant(next(_next_tenant), "acct_1", livemode=False)
    await committer.commit(Changes(tenant, added=list(crates)))
    for crate in crates:
        assert await reads.one(CRATES.lookup, tenant.id, crate.id) == crate
    changes, first = Changes(tenant), crates[0]
    # What an object is called and when it was made does not change.
    fixed = {"id": first.id, "version": 1, "created": first.created}
    rest = {one.name: getattr(later, one.name) for one in fields(Crate) if one.name not in fixed}
    after = changes.change(first, Crate(**fixed, **rest))
    await committer.commit(changes)
    assert await reads.one(CRATES.lookup, tenant.id, first.id) == after
    for crate in crates[1:]:
        assert await reads.one(CRATES.lookup, tenant.id, crate.id) == crate


async def test_a_column_without_a_field_and_a_field_without_a_column_stop_the_start() -> None:
    with pytest.raises(TypeError, match="metadata"):
        Mapping(Crate, _table("crates"))
    columns = (json_column("metadata"), sa.Column("colour", sa.Text))
    with pytest.raises(TypeError, match="colour"):
        Mapping(Crate, _table("crates", *columns))


async def test_a_column_of_a_type_that_is_not_known_stops_the_start() -> None:
    with pytest.raises(KeyError, match="double precision"):
        Mapping(Crate, _table("crates", sa.Column("metadata", sa.Double)))


# Said once and never changed: the role that commits may not even lock them.
NEVER_CHANGED = {"usage_notices"}


@pytest.mark.parametrize("mapping", MAPPINGS.ordered, ids=lambda mapping: mapping.table.name)
async def test_the_statements_of_each_mapping_fit_its_table(
    mapping: Mapping[Any], database_url: str
) -> None:
    """PostgreSQL takes each of them, with arrays of the types that it is given."""
    empty = [kind.array([]) for kind in (CRATES.types[3], *mapping.types)]
    nobody = mapping.key_arrays([(1, "none")])
    changing = {mapping.update_sql: empty, mapping.lock_sql: nobody}
    # What belongs to no tenant is not read by this statement (SharedMapping).
    reading = {} if isinstance(mapping, SharedMapping) else {mapping.read_sql: nobody}
    pool = Pool(database_url)
    await pool.open()
    try:
        await _say(pool.transaction([1]), mapping.insert_sql, empty)
        for sql, values in changing.items():
            if mapping.table.name in NEVER_CHANGED:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await _say(pool.transaction([1]), sql, values)
            else:
                await _say(pool.transaction([1]), sql, values)
        for sql, values in reading.items():
            await _say(pool.lookup([1], ()), sql, values)
    except psycopg.Error as error:
        raise AssertionError(f"{mapping.table.name}: {error}") from error
    finally:
        await pool.close()


async def _say(
    lent: AbstractAsyncContextManager[Connection], sql: str, values: Sequence[bytes]
) -> None:
    async with lent as connection:
        assert (await connection.execute(sql, values)).rowcount <= 0
