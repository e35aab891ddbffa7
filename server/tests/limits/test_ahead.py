"""Who is far from their limits is let in before Redis was asked, and is counted all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guilder_server.http.limits.shared as sharing
from guilder_server.http.limits.ahead import GOOD_FOR_US, Ahead
from guilder_server.http.limits.gcra import Verdict, Wish
from guilder_server.http.limits.plans import Quota
from guilder_server.http.limits.shared import SharedBuckets
from tests.limits.test_gcra import Clock, reached

pytestmark = pytest.mark.anyio

BURST = 100
SLOW = Quota(10_000_000_000, BURST * 10_000_000_000)  # time plays no part: nothing leaks out


def wish(key: str = "key", account: str = "account", quota: Quota = SLOW) -> Wish:
    return Wish(key, quota, account, Quota(quota.interval, 2 * quota.depth))


@pytest.fixture
async def pair(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[SharedBuckets, SharedBuckets]]:
    """Two processes, with a budget that a busy machine keeps."""
    monkeypatch.setattr(sharing, "BUDGET_S", 5)
    both = SharedBuckets(redis_url, processes=2), SharedBuckets(redis_url, processes=2)
    for each in both:
        each.open()
        await reached(each)
    yield both
    for each in both:
        await each.close()


async def let_in(buckets: SharedBuckets, many: int, asked: Wish | None = None) -> int:
    """How many of so many wishes at once."""
    wishes = (buckets.judge(asked or wish()) for _ in range(many))
    verdicts = await asyncio.gather(*wishes)
    return sum(verdict is not None and not verdict.refused_by for verdict in verdicts)


async def counted(buckets: SharedBuckets) -> int:
    """In Redis, for the key."""
    assert buckets._redis is not None
    seconds, micros = await buckets._redis.time()  # type: ignore[misc]
    empty_at = await buckets._redis.get("key")
    ahead = int(empty_at or 0) - (seconds * 1_000_000 + micros)
    return round(max(0, ahead) / SLOW.interval)


async def counted_at_last(buckets: SharedBuckets, many: int) -> bool:
    for _ in range(500):
        if await counted(buckets) == many:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_the_first_one_waits_for_redis_and_the_next_ones_do_not(
    pair: tuple[SharedBuckets, SharedBuckets],
) -> None:
    one, _ = pair
    assert await let_in(one, 1) == 1
    ask = one._ask
    asked = asyncio.Event()

    async def late(*wishes: object) -> list[Verdict]:
        await asked.wait()
        return await ask(*wishes)  # type: ignore[arg-type]

    one._ask = late  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(1):
        assert await let_in(one, 5) == 5
    asked.set()
    assert await counted_at_last(one, 6)


async def test_a_crowd_is_counted_whole(pair: tuple[SharedBuckets, SharedBuckets]) -> None:
    one, other = pair
    crowd = [wish(f"key {n}", f"account {n}") for n in range(300)]
    for _ in range(3):
        await asyncio.gather(*(one.judge(each) for each in crowd))
    await asyncio.sleep(1.2)
    verdicts = await asyncio.gather(*(other.judge(each) for each in crowd))
    assert {verdict and verdict.remaining for verdict in verdicts} == {BURST - 4}


async def test_one_process_lets_in_exactly_as_many_as_there_are(
    pair: tuple[SharedBuckets, SharedBuckets],
) -> None:
    one, _ = pair
    assert sum([await let_in(one, 7) for _ in range(30)]) == BURST
    assert await counted(one) == BURST


async def test_what_others_took_meanwhile_is_owed(
    pair: tuple[SharedBuckets, SharedBuckets],
) -> None:
    one, other = pair
    await let_in(one, 1)
    # The other takes all that is left, of which the first does not know.
    taken = sum([await let_in(other, 9) for _ in range(20)])
    assert taken == BURST - 1
    beyond = sum([await let_in(one, 1) for _ in range(40)])
    assert 0 < beyond <= (BURST - 1) // 8
    assert await counted_at_last(one, BURST + beyond)
    # What is owed is waited for.
    refused = await one.judge(wish())
    assert refused is not None
    assert refused.wait > beyond * SLOW.interval


async def test_a_new_redis_is_asked_first(pair: tuple[SharedBuckets, SharedBuckets]) -> None:
    one, _ = pair
    await let_in(one, 1)

    async def fail(*_: object) -> list[Verdict]:
        raise ConnectionError

    ask, one._ask = one._ask, fail  # type: ignore[method-assign, assignment]
    await let_in(one, 5)
    await asyncio.sleep(1.1)
    assert one._redis is None
    one._ask = ask  # type: ignore[method-assign]
    await reached(one)
    assert one._ahead.take(wish()) is None


@given(st.integers(1, 8), st.integers(0, 400), st.integers(0, 400))
def test_all_processes_together_let_in_a_quarter_of_what_is_left(
    processes: int, left: int, asked: int
) -> None:
    clock = Clock()
    aheads = [Ahead(processes, clock) for _ in range(processes)]
    for ahead in aheads:
        ahead.note(wish(), Verdict(0, 0, left))
    taken = sum(ahead.take(wish()) is not None for ahead in aheads for _ in range(asked))
    assert taken <= left / 4


def test_keys_of_one_account_share_its_room() -> None:
    ahead = Ahead(1, Clock())
    for key in ("one", "other"):
        ahead.note(wish(key), Verdict(0, 0, 40))
    taken = [ahead.take(wish(key)) is not None for key in ("one", "other") for _ in range(10)]
    assert sum(taken) == 10


def test_what_was_seen_is_good_for_so_long() -> None:
    clock = Clock()
    ahead = Ahead(1, clock)
    ahead.note(wish(), Verdict(0, 0, 40))
    clock.now += GOOD_FOR_US - 1
    assert ahead.take(wish()) == 39
    clock.now += 1
    assert ahead.take(wish()) is None


def test_under_another_plan_it_says_nothing() -> None:
    ahead = Ahead(1, Clock())
    ahead.note(wish(), Verdict(0, 0, 40))
    assert ahead.take(wish(quota=Quota(SLOW.interval, SLOW.depth // 2))) is None


def test_a_refusal_ends_it() -> None:
    ahead = Ahead(1, Clock())
    ahead.note(wish(), Verdict(0, 0, 40))
    ahead.note(wish(), Verdict(1, 5, 0))
    assert ahead.take(wish()) is None
