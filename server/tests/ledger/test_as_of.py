"""The balance as of an instant: by what was known then, by what was in effect then, and both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.tenant import Tenant
from tests.ledger.desk import NOON, Desk, opened
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

# Each is some ten commits and a hundred questions.
EXAMPLES = (settings.default.max_examples if settings.default else 100) // 4
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


@dataclass(frozen=True)
class Step:
    """After a `pause`, so many minor units move in; they count from `backdated` seconds ago."""

    pause: float
    amount: int
    backdated: int | None


@dataclass(frozen=True)
class Noted:
    """What the model remembers of an entry."""

    posted_at: datetime
    effective_at: datetime
    amount: int


_STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([0, 0.4, 0.7, 1, 2.5]),
        st.integers(-50, 50).filter(bool),
        st.none() | st.integers(0, 8),
    ),
    min_size=1,
    max_size=12,
)


def expected(
    noted: list[Noted], known_at: datetime | None, effective_at: datetime | None
) -> tuple[int, int]:
    """The wire knows whole seconds: what happened within one is known at it."""
    counted = [
        one.amount
        for one in noted
        if (known_at is None or one.posted_at < known_at + SECOND)
        and (effective_at is None or one.effective_at < effective_at + SECOND)
    ]
    return sum(counted), len(counted)


async def _asked(
    desk: Desk, tenant: Tenant, account: str, known: datetime | None, effective: datetime | None
) -> tuple[int, int]:
    found = await desk.balance(tenant, account, known, effective)
    return found.balance, found.entries


async def _post(desk: Desk, tenant: Tenant, account: str, other: str, step: Step) -> Noted:
    desk.clock.advance(timedelta(seconds=step.pause))
    now = desk.clock.now()
    effective = None
    if step.backdated is not None:
        effective = now.replace(microsecond=0) - timedelta(seconds=step.backdated)
    sides = (account, other) if step.amount > 0 else (other, account)
    await desk.post(tenant, (*sides, abs(step.amount)), effective_at=effective)
    return Noted(now, effective or now, step.amount)


def _instants(noted: list[Noted]) -> list[datetime | None]:
    first = min([NOON, *(one.effective_at for one in noted)]).replace(microsecond=0)
    last = max(one.posted_at for one in noted)
    seconds = range(-1, int((last - first).total_seconds()) + 2)
    return [None, *(first + second * SECOND for second in seconds)]


@given(steps=_STEPS, side=st.sampled_from(["debit", "credit"]))
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_every_instant_answers_as_the_model_remembers(
    desk: Desk, steps: list[Step], side: str
) -> None:
    tenant = desk.tenant()
    desk.clock.instant = NOON
    account = await desk.open(tenant, "one", normal_side=side)
    other = await desk.open(tenant, "other")
    noted = [await _post(desk, tenant, account, other, step) for step in steps]
    sign = 1 if side == "debit" else -1
    instants = _instants(noted)
    for known in instants:
        for effective in (None, *instants[1::3]):
            balance, entries = expected(noted, known, effective)
            found = await _asked(desk, tenant, account, known, effective)
            assert found == (sign * balance, entries), (known, effective)
    for effective in instants:
        balance, entries = expected(noted, None, effective)
        assert await _asked(desk, tenant, account, None, effective) == (sign * balance, entries)


@given(steps=_STEPS, later=_STEPS)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_what_was_known_at_a_past_instant_never_changes(
    desk: Desk, steps: list[Step], later: list[Step]
) -> None:
    tenant = desk.tenant()
    desk.clock.instant = NOON
    account = await desk.open(tenant, "one")
    other = await desk.open(tenant, "other")
    noted = [await _post(desk, tenant, account, other, step) for step in steps]
    desk.clock.advance(SECOND)
    questions = [(noted[-1].posted_at, effective) for effective in _instants(noted)[::2]]
    questions += [(known, None) for known in _instants(noted)[1:] if known <= noted[-1].posted_at]
    before = [await _asked(desk, tenant, account, *question) for question in questions]
    for step in later:
        await _post(desk, tenant, account, other, step)
    assert [await _asked(desk, tenant, account, *question) for question in questions] == before


async def test_a_clock_that_goes_back_does_not_change_what_was_known(desk: Desk) -> None:
    """Processes disagree about the time: an entry is never known before the one before it."""
    tenant = desk.tenant()
    desk.clock.instant = NOON + 10 * SECOND
    account, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    await desk.post(tenant, (account, other, 5))
    desk.clock.instant = NOON
    await desk.post(tenant, (account, other, 7))
    assert await _asked(desk, tenant, account, NOON + 9 * SECOND, None) == (0, 0)
    assert await _asked(desk, tenant, account, NOON + 10 * SECOND, None) == (12, 2)


async def test_a_transaction_becomes_known_on_both_its_sides_at_once(desk: Desk) -> None:
    """Also where one of its accounts is ahead of the clock."""
    tenant = desk.tenant()
    one, two, three = [await desk.open(tenant, code) for code in ("one", "two", "three")]
    desk.clock.instant = NOON + 10 * SECOND
    await desk.post(tenant, (one, two, 5))
    desk.clock.instant = NOON
    await desk.post(tenant, (one, three, 7))
    for second in range(12):
        known = NOON + second * SECOND
        balances = [await _asked(desk, tenant, id, known, None) for id in (one, two, three)]
        assert sum(balance for balance, _ in balances) == 0


async def test_long_after_and_long_before_are_answered(desk: Desk) -> None:
    tenant = desk.tenant()
    account, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    desk.clock.instant = NOON
    epoch = datetime.fromtimestamp(0, NOON.tzinfo)
    await desk.post(tenant, (account, other, 5), effective_at=epoch)
    last = datetime.fromtimestamp(253402300799, NOON.tzinfo)
    assert await _asked(desk, tenant, account, epoch, None) == (0, 0)
    assert await _asked(desk, tenant, account, None, epoch) == (5, 1)
    assert await _asked(desk, tenant, account, last, last) == (5, 1)
    assert await _asked(desk, tenant, account, epoch, last) == (0, 0)


async def test_what_is_posted_meanwhile_is_in_the_answer_whole_or_not_at_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of now and then a backdated one: the second without the first never was."""
    tenant = desk.tenant()
    desk.clock.instant = NOON
    account, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    await desk.post(tenant, (account, other, 100))
    ask = desk.house.books._rows
    turns = iter([True])

    async def overtaken(asking: Tenant, sql: str, values: object) -> list[object]:
        found = await ask(asking, sql, values)
        if next(turns, False):
            await desk.post(tenant, (account, other, 10))
            await desk.post(tenant, (account, other, 1), effective_at=NOON - SECOND)
        return found

    balance = desk.house.ledger_accounts.balance
    standing = await desk.house.ledger_accounts.retrieve(tenant, account)
    monkeypatch.setattr(desk.house.books, "_rows", overtaken)
    found = await desk.house.books.as_of(tenant, standing.account, None, NOON)
    assert found in {(100, 1), (111, 3)}
    assert (await balance(tenant, account, None, NOON)).balance == 111


async def test_an_account_was_created_when_its_answer_says(desk: Desk) -> None:
    """And not when it was committed, which may be in the next second."""
    tenant = desk.tenant()
    params = {"code": "one", "currency": "usd", "normal_side": "debit"}
    done = await desk.house.ledger_accounts.open(tenant, params)
    answered = desk.clock.now()
    desk.clock.advance(timedelta(seconds=1))
    await desk.ground.committer.commit(done.changes)
    found = await desk.house.ledger_accounts.retrieve(tenant, done.result.id)
    assert found.account.created == done.result.account.created == answered
