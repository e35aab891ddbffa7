"""Arrays of each column type arrive in PostgreSQL as they were sent, and come back so."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.postgres.columns import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    INSTANT,
    INTEGER,
    JSONB,
    TEXT,
    TYPES,
    ColumnType,
)
from guilder_server.postgres.pool import Connection, Pool
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

_BACK = "SELECT value FROM unnest(%s) WITH ORDINALITY AS sent(value, place) ORDER BY place"


def _integers(bits: int) -> st.SearchStrategy[int]:
    lowest, highest = -(1 << bits - 1), (1 << bits - 1) - 1
    return st.integers(lowest, highest) | st.sampled_from([lowest, -1, 0, 1, highest])


# PostgreSQL's text holds every character but the null one, and so does its jsonb.
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_instants = st.datetimes(
    datetime.fromisoformat("1970-01-01"),
    datetime.fromisoformat("2200-12-31T23:59:59.999999"),
    timezones=st.just(UTC),
)
_plain = st.none() | st.booleans() | _integers(64) | _texts
_nested = st.recursive(
    _plain, lambda part: st.lists(part, max_size=3) | st.dictionaries(_texts, part, max_size=3)
)
_VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    BIGINT: _integers(64),
    BOOLEAN: st.booleans(),
    BYTEA: st.binary(),
    INSTANT: _instants,
    INTEGER: _integers(32),
    JSONB: st.dictionaries(_texts, _nested, max_size=3) | st.lists(_nested, max_size=3),
    TEXT: _texts,
}
_KINDS = sorted(TYPES.values(), key=lambda kind: kind.name)


@pytest.fixture(scope="module")
async def connection(postgres: TestDatabases) -> AsyncIterator[Connection]:
    with postgres.database() as url:
        pool = Pool(url)
        await pool.open()
        async with pool.jobs.point() as connection:
            yield connection
        await pool.close()


async def _sent_and_back(connection: Connection, kind: ColumnType, values: list[Any]) -> list[Any]:
    cursor = await connection.execute(_BACK, [kind.array(values)])
    back = [value for (value,) in await cursor.fetchall()]
    if kind is JSONB:
        return [None if value is None else msgspec.json.decode(value) for value in back]
    return back


async def test_every_type_has_values_to_try() -> None:
    assert _VALUES.keys() == set(TYPES.values())


@given(
    arrays=st.fixed_dictionaries(
        {kind: st.lists(st.none() | _VALUES[kind], max_size=20) for kind in _KINDS}
    )
)
@settings(suppress_health_check=list(HealthCheck))
async def test_arrays_come_back_as_they_were_sent(
    connection: Connection, arrays: dict[ColumnType, list[Any]]
) -> None:
    for kind, values in arrays.items():
        assert await _sent_and_back(connection, kind, values) == values


@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.name)
async def test_an_empty_array_and_one_of_nulls_are_told_apart(
    connection: Connection, kind: ColumnType
) -> None:
    assert await _sent_and_back(connection, kind, []) == []
    assert await _sent_and_back(connection, kind, [None]) == [None]
    assert await _sent_and_back(connection, kind, [None, None]) == [None, None]


@given(instant=_instants, hours=st.integers(-14, 14))
@settings(suppress_health_check=list(HealthCheck))
async def test_an_instant_is_the_same_from_every_time_zone(
    connection: Connection, instant: datetime, hours: int
) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert await _sent_and_back(connection, INSTANT, [elsewhere]) == [instant]


async def test_arrays_of_one_statement_have_types_of_their_own(connection: Connection) -> None:
    cursor = await connection.execute(
        "SELECT pg_typeof(%s)::text, pg_typeof(%s)::text, pg_typeof(%s)::text",
        [INTEGER.array([1]), BIGINT.array([1]), INSTANT.array([])],
    )
    assert await cursor.fetchall() == [
        ("integer[]", "bigint[]", "timestamp with time zone[]"),
    ]


async def test_a_large_array_arrives_whole(connection: Connection) -> None:
    values = [bytes([number % 256]) * 10_000 for number in range(1_000)]
    assert await _sent_and_back(connection, BYTEA, values) == values


@pytest.mark.parametrize(
    ("kind", "value"), [(INTEGER, 1 << 31), (BIGINT, 1 << 63), (BIGINT, -(1 << 63) - 1)]
)
async def test_a_number_that_does_not_fit_is_refused_before_it_is_sent(
    kind: ColumnType, value: int
) -> None:
    with pytest.raises(struct.error):
        kind.array([value])


async def test_a_moment_without_a_time_zone_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError):
        INSTANT.array([datetime(2026, 11, 20)])  # noqa: DTZ001
