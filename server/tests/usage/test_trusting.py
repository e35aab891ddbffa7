"""Tenants far from their quotas are counted without a look beforehand, and what others did to the
counter meanwhile is found all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Forbidden
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import register
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.pool import Pool
from guilder_server.usage.domain.metering import Metered, Metering
from guilder_server.usage.domain.meters import bit_of
from guilder_server.usage.domain.plans import Plan, Plans
from guilder_server.usage.infra.counters import Row, Shared, nothing
from guilder_server.usage.infra.counting import counting
from guilder_server.usage.infra.judging import Judging
from guilder_server.usage.infra.spent import Spent
from guilder_server.usage.infra.trusting import Trusting
from tests.usage.keeping import NOW

pytestmark = pytest.mark.anyio

TENANT, OTHER = Tenant(1, "acct", False), Tenant(2, "acct_other", False)
PLAN = Plan("hundred", True, {"api_calls": 100})


class Nothing:
    """A kind that no change set has."""


@dataclass
class Books:
    """A committer that counts, how it did, and whoever else writes to the database."""

    committer: Committer
    spent: Spent
    clock: ManualClock
    parts: list[type]
    other: psycopg.Connection[tuple[Any, ...]]

    async def use(self, calls: int, tenant: Tenant = TENANT, *, limited: bool = True) -> None:
        await self.committer.commit(Changes(tenant, calls=calls, limited=limited))

    def calls(self, tenant: Tenant = TENANT) -> dict[str, int]:
        """By month."""
        rows = self.other.execute(
            "SELECT month, api_calls FROM usage_counters WHERE tenant_id = %s", [tenant.id]
        )
        return dict(rows.fetchall())


@pytest.fixture
async def books(fresh_database_url: str) -> AsyncIterator[Books]:
    pool, spent, clock = Pool(fresh_database_url), Spent(), ManualClock(NOW)
    await pool.open()
    metering = Metering(Metered(*[Nothing] * 4))
    make = counting(Plans({"hundred": PLAN}, PLAN), metering, clock, spent)
    parts: list[type] = []

    def made(sets: Any) -> Any:
        part = make(sets)
        parts.append(type(part))
        return part

    committer = Committer(pool, [made])
    with psycopg.connect(fresh_database_url, autocommit=True) as other:
        yield Books(committer, spent, clock, parts, other)
    await committer.close()
    await pool.close()


@pytest.fixture
async def trusted(books: Books) -> Books:
    """Both tenants have been seen, far from their quota."""
    for tenant in (TENANT, OTHER):
        await books.use(1, tenant)
        await books.use(1, tenant)
    books.parts.clear()
    return books


async def test_who_is_far_from_a_quota_is_counted_without_a_look(trusted: Books) -> None:
    await trusted.use(5)
    assert trusted.parts == [Trusting]
    assert trusted.calls() == {"2026-11": 7}


async def test_who_comes_near_is_looked_at_first_from_then_on(trusted: Books) -> None:
    await trusted.use(70)
    await trusted.use(1)
    assert trusted.parts == [Trusting, Judging, Judging]


async def test_one_who_is_near_is_enough_to_look_at_all_of_a_batch(trusted: Books) -> None:
    await trusted.use(70)
    trusted.parts.clear()
    gathered = [trusted.use(1, tenant) for tenant in (OTHER, TENANT, OTHER)]
    await asyncio.gather(*gathered)
    assert trusted.parts[-1] is Judging
    assert (trusted.calls(), trusted.calls(OTHER)) == ({"2026-11": 73}, {"2026-11": 4})


def _left(calls: int) -> Callable[[Books], None]:
    def write(books: Books) -> None:
        books.other.execute("UPDATE usage_counters SET api_calls = %s", [calls])

    return write


async def test_what_others_used_up_is_found_and_nobody_gets_more(trusted: Books) -> None:
    _left(98)(trusted)
    answers = await asyncio.gather(
        *(trusted.use(1) for _ in range(4)), trusted.use(1, OTHER), return_exceptions=True
    )
    assert [isinstance(answer, Forbidden) for answer in answers] == [False] * 2 + [True] * 2 + [
        False
    ]
    assert trusted.parts[-1] is Judging
    assert (trusted.calls(), trusted.calls(OTHER)) == ({"2026-11": 100}, {"2026-11": 99})


async def test_what_may_not_be_refused_goes_beyond(trusted: Books) -> None:
    _left(100)(trusted)
    await trusted.use(3, limited=False)
    assert trusted.calls() == {"2026-11": 103}
    assert trusted.spent.refusal(TENANT.id) is not None


@pytest.mark.parametrize(("before", "calls", "percent"), [(2, 78, 80), (79, 1, 80), (2, 98, 100)])
async def test_a_mark_is_noted_in_the_commit_that_reaches_it(
    trusted: Books, before: int, calls: int, percent: int
) -> None:
    _left(before)(trusted)
    await trusted.use(calls)
    [(reached,)] = trusted.other.execute(
        "SELECT reached FROM usage_counters WHERE tenant_id = 1"
    ).fetchall()
    assert reached & bit_of("api_calls", 80)
    assert bool(reached & bit_of("api_calls", 100)) == (percent == 100)


async def test_a_month_that_another_process_closed_is_not_counted_in(trusted: Books) -> None:
    trusted.other.execute("UPDATE usage_counters SET closed = true WHERE tenant_id = 1")
    trusted.other.execute(
        "INSERT INTO usage_counters SELECT tenant_id, '2026-12', false, 0, 0, 0, 0, 0, 0, 0, 0 "
        "FROM usage_counters WHERE tenant_id = 1"
    )
    await asyncio.gather(trusted.use(5), trusted.use(5, OTHER))
    assert trusted.calls() == {"2026-11": 2, "2026-12": 5}
    assert trusted.calls(OTHER) == {"2026-11": 7}


async def test_a_month_turns(trusted: Books) -> None:
    trusted.clock.advance(timedelta(days=20))
    await trusted.use(5)
    assert trusted.parts == [Judging]
    await trusted.use(5)
    await trusted.use(5)
    assert trusted.parts[-1] is Trusting
    assert trusted.calls() == {"2026-11": 2, "2026-12": 15}


async def test_a_row_that_was_deleted_is_opened_again(trusted: Books) -> None:
    trusted.other.execute("DELETE FROM usage_counters WHERE tenant_id = 1")
    await trusted.use(5)
    assert trusted.calls() == {"2026-11": 5}


@pytest.mark.parametrize("quota", [0, 1, 2, 3, 7, 10, 99, 100, 101])
async def test_the_database_and_the_process_agree_on_what_is_near(books: Books, quota: int) -> None:
    plan = Plan("some", False, {"api_calls": quota})
    shared = Shared(Plans({"some": plan}, plan), ManualClock(NOW), Spent())
    register(books.other.adapters)
    await books.use(0, limited=False)
    await books.use(1, limited=False)
    for calls in (0, 1, 2, 5, 6, 7, 8, 69, 70, 71, 79, 80, 100, 1000):
        _left(0)(books)
        uses = nothing() | {"api_calls": calls}
        near = Row("2026-11", 0, plan, uses, uses).is_near()
        found = books.other.execute(*shared.adding([1], "2026-11", [uses], far=True)).fetchall()
        assert found == [(not near,)], calls
