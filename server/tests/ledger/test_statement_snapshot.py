"""A statement is of one moment, whatever is posted while it is read, and lets go when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.errors import RateLimited
from guilder_server.ledger.domain.statement import Basis, Line, Period, Statement
from tests.ledger.desk import NOON, Desk, opened
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio
EXAMPLES = (settings.default.max_examples if settings.default else 100) // 4
SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


async def read(
    desk: Desk, tenant: Any, account: Any, period: Period
) -> tuple[Statement, list[Line]]:
    async with desk.house.statements.read(tenant, account, period) as reading:
        return reading.statement, [line async for lines in reading.lines for line in lines]


def assert_adds_up(statement: Statement, lines: list[Line]) -> None:
    sign = 1 if statement.account.normal_side == "debit" else -1
    change = sign * (statement.debits - statement.credits)
    assert statement.opening + change == statement.closing
    assert statement.entries == len(lines)
    assert statement.debits == sum(line.amount for line in lines if line.amount > 0)
    assert statement.credits == -sum(line.amount for line in lines if line.amount < 0)
    balance = statement.opening
    for line in lines:
        balance += sign * line.amount
        assert line.balance == balance
    assert balance == statement.closing


@pytest.mark.parametrize("basis", ["known", "effective"])
async def test_a_statement_adds_up_while_a_writer_posts(desk: Desk, basis: Basis) -> None:
    tenant = desk.tenant()
    desk.clock.instant = NOON
    one, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    await desk.post(tenant, *[(one, other, 1)] * 600)
    posting = True

    async def write() -> None:
        turn = 0
        while posting:
            turn += 1
            desk.clock.advance(timedelta(milliseconds=1))
            backdated = None if turn % 2 else NOON - turn * SECOND
            await desk.post(tenant, (one, other, turn), effective_at=backdated)

    writer = asyncio.create_task(write())
    period = Period(NOON - SECOND, NOON + YEAR, basis)
    counts = set()
    for _ in range(12):
        statement, lines = await read(desk, tenant, one, period)
        assert_adds_up(statement, lines)
        counts.add(statement.entries)
    posting = False
    await writer
    assert len(counts) > 1


async def test_what_is_posted_after_the_first_line_is_on_the_next_statement(desk: Desk) -> None:
    tenant = desk.tenant()
    one, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    await desk.post(tenant, *[(one, other, 1)] * 900)
    period = Period(NOON - YEAR, NOON + YEAR)
    async with desk.house.statements.read(tenant, one, period) as reading:
        lines = [*await anext(reading.lines)]
        await desk.post(tenant, (one, other, 5))
        lines += [line async for some in reading.lines for line in some]
    assert_adds_up(reading.statement, lines)
    assert len(lines) == 900
    assert (await read(desk, tenant, one, period))[0].entries == 901


_MOVES = st.lists(
    st.tuples(st.integers(-9, 9).filter(bool), st.none() | st.integers(0, 8), st.integers(0, 2)),
    max_size=10,
)


@given(
    moves=_MOVES,
    bounds=st.tuples(st.integers(-9, 12), st.integers(1, 12)),
    side=st.sampled_from(["debit", "credit"]),
    basis=st.sampled_from(["known", "effective"]),
)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_a_statement_has_what_the_model_remembers(
    desk: Desk,
    moves: list[tuple[int, int | None, int]],
    bounds: tuple[int, int],
    side: str,
    basis: Basis,
) -> None:
    tenant = desk.tenant()
    desk.clock.instant = NOON
    one = await desk.open(tenant, "one", normal_side=side)
    other = await desk.open(tenant, "other")
    noted = []
    for amount, backdated, pause in moves:
        desk.clock.advance(pause * SECOND)
        now = desk.clock.now()
        effective = None if backdated is None else now - backdated * SECOND
        sides = (one, other) if amount > 0 else (other, one)
        await desk.post(tenant, (*sides, abs(amount)), effective_at=effective)
        noted.append((now if basis == "known" else effective or now, len(noted), amount))
    first, length = bounds
    period = Period(NOON + first * SECOND, NOON + (first + length) * SECOND, basis)
    statement, lines = await read(desk, tenant, ("one", "usd"), period)
    assert_adds_up(statement, lines)
    expected = [one for one in sorted(noted) if period.start <= one[0] < period.end]
    assert [line.amount for line in lines] == [amount for _, _, amount in expected]
    sign = 1 if side == "debit" else -1
    before = sum(amount for instant, _, amount in noted if instant < period.start)
    assert statement.opening == sign * before


async def test_a_reading_that_is_given_up_lets_go_of_its_connection(desk: Desk) -> None:
    tenant = desk.tenant()
    one, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    await desk.post(tenant, *[(one, other, 1)] * 900)
    period = Period(NOON - YEAR, NOON + YEAR)
    for _ in range(9):
        async with desk.house.statements.read(tenant, one, period) as reading:
            await anext(reading.lines)
    held = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE state = 'idle in transaction' AND datname = current_database()"
    )
    assert await desk.rows(held) == [(0,)]


async def test_more_readings_than_may_be_at_once_are_told_to_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = desk.tenant()
    one = await desk.open(tenant, "one")
    monkeypatch.setattr(desk.ground.pool._reading, "_wait_s", 0.05)
    period = Period(NOON - YEAR, NOON + YEAR)

    async def nested(depth: int) -> None:
        async with desk.house.statements.read(tenant, one, period):
            await nested(depth + 1)

    with pytest.raises(RateLimited):
        await nested(0)
    await read(desk, tenant, one, period)


async def test_one_account_leaves_readings_to_others_however_slowly_it_takes_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, neighbour = desk.tenant(), desk.tenant()
    one, other = await desk.open(tenant, "one"), await desk.open(neighbour, "one")
    monkeypatch.setattr(desk.ground.pool._reading, "_wait_s", 0.05)
    period = Period(NOON - YEAR, NOON + YEAR)

    async with AsyncExitStack() as held:
        with suppress(RateLimited):
            while True:
                reading = desk.house.statements.read(tenant, one, period)
                await held.enter_async_context(reading)
        await read(desk, neighbour, other, period)


async def test_statements_leave_the_other_connections_to_others(desk: Desk) -> None:
    tenant, neighbour = desk.tenant(), desk.tenant()
    one, theirs = await desk.open(tenant, "one"), await desk.open(neighbour, "one")
    period = Period(NOON - YEAR, NOON + YEAR)
    async with (
        desk.house.statements.read(tenant, one, period),
        desk.house.statements.read(tenant, one, period),
        desk.house.statements.read(neighbour, theirs, period),
        desk.house.statements.read(neighbour, theirs, period),
    ):
        other = await desk.open(tenant, "other")
        await desk.post(tenant, (one, other, 1))
        assert (await desk.balance(tenant, one)).balance == 1
