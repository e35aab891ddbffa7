"""What a bucket lets through, held against a plain model; in memory and in Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.http.limits import shared as sharing
from guilder_server.http.limits.gcra import LocalBuckets, Verdict, Wish
from guilder_server.http.limits.plans import Limits, Quota, quotas
from guilder_server.http.limits.shared import SharedBuckets

pytestmark = pytest.mark.anyio

QUOTAS = st.builds(
    lambda interval, burst: Quota(interval, interval * burst),
    st.integers(1, 100_000),
    st.integers(1, 20),
)
GAPS = st.lists(st.integers(0, 200_000), min_size=1, max_size=60)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@given(QUOTAS, GAPS)
def test_no_stretch_of_time_lets_through_more_than_burst_and_rate(
    quota: Quota, gaps: list[int]
) -> None:
    clock = Clock()
    buckets, passed = LocalBuckets(clock), []
    for gap in gaps:
        clock.now += gap
        if not buckets.take("key", quota):
            passed.append(clock.now)
    for first, began in enumerate(passed):
        for last in range(first, len(passed)):
            stretch = passed[last] - began
            assert last - first + 1 <= quota.burst + stretch / quota.interval


@given(QUOTAS, GAPS)
def test_a_bucket_says_to_the_microsecond_when_it_has_room(quota: Quota, gaps: list[int]) -> None:
    clock = Clock()
    buckets = LocalBuckets(clock)
    for gap in gaps:
        clock.now += gap
        if wait := buckets.take("key", quota):
            clock.now += wait - 1
            assert buckets.take("key", quota) == 1
            clock.now += 1
            assert buckets.take("key", quota) == 0


class Model:
    """A leaky bucket as one would draw it: how full it is, and when that was."""

    def __init__(self, quota: Quota) -> None:
        self.quota, self.full, self.at = quota, 0, 0

    def would_be(self, now: int) -> int:
        return max(0, self.full - (now - self.at)) + self.quota.interval

    def fill(self, now: int) -> None:
        self.full, self.at = self.would_be(now), now


@given(QUOTAS, QUOTAS, st.lists(st.tuples(st.booleans(), st.integers(0, 100_000)), max_size=60))
def test_a_request_counts_in_both_buckets_or_in_neither(
    own: Quota, together: Quota, asked: list[tuple[bool, int]]
) -> None:
    clock = Clock()
    buckets = LocalBuckets(clock)
    keys = {True: Model(own), False: Model(own)}
    account = Model(together)
    for which, gap in asked:
        clock.now += gap
        verdict = buckets.judge(Wish(f"key {which}", own, "account", together))
        first, second = keys[which].would_be(clock.now), account.would_be(clock.now)
        if first > own.depth:
            assert verdict == Verdict(1, first - own.depth, 0)
        elif second > together.depth:
            assert verdict == Verdict(2, second - together.depth, 0)
        else:
            keys[which].fill(clock.now)
            account.fill(clock.now)
            assert verdict.refused_by == 0
            left = [(own.depth - first) // own.interval]
            left.append((together.depth - second) // together.interval)
            assert verdict.remaining == min(left)


@given(st.integers(1, 1_000_000), st.integers(1, 64), st.sampled_from(["payments", "search"]))
def test_the_parts_of_all_processes_are_together_no_more_than_the_limit(
    per_second: int, processes: int, kind: str
) -> None:
    limits = Limits(per_second, 0)
    for whole, part in zip(quotas(limits, kind), quotas(limits, kind, processes), strict=True):
        assert part.interval >= whole.interval * processes - processes
        assert part.burst * processes <= max(whole.burst, processes)
        assert whole.burst >= 1


def test_memory_is_bounded_by_forgetting_who_was_away_for_longest() -> None:
    clock, quota = Clock(), Quota(1000, 2000)
    buckets = LocalBuckets(clock, most=100)
    for number in range(1000):
        buckets.take("often", quota)
        buckets.take(f"key {number}", quota)
        assert len(buckets) <= 100
    assert buckets.take("often", quota)


@pytest.fixture
async def shared(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SharedBuckets]:
    """With a budget that a busy machine keeps. What happens beyond it: test_redis_lost.py."""
    monkeypatch.setattr(sharing, "BUDGET_S", 5)
    buckets = SharedBuckets(redis_url)
    buckets.open()
    await reached(buckets)
    yield buckets
    await buckets.close()


async def reached(buckets: SharedBuckets) -> None:
    for _ in range(1000):
        if buckets._redis is not None:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("Redis was not found")


def wish(key: str, quota: Quota, account: str | None = None) -> Wish:
    return Wish(f"test:{key}", quota, f"test:{account or key} account", quota)


SLOW = Quota(10_000_000_000, 50_000_000_000)  # time plays no part: nothing leaks out


async def test_redis_and_memory_agree(shared: SharedBuckets) -> None:
    """On everything but the time, which is Redis's own there."""
    wishes = [
        Wish(f"key {n % 3}", SLOW, f"account {n % 2}", Quota(SLOW.interval, SLOW.interval * 7))
        for n in range(40)
    ]
    local = LocalBuckets(Clock())
    assert shared._redis is not None
    there = await shared._ask(shared._redis, [(each, 0) for each in wishes])
    here = [local.judge(each) for each in wishes]
    assert [(v.refused_by, v.remaining) for v in there] == [
        (v.refused_by, v.remaining) for v in here
    ]
    for one, other in zip(there, here, strict=True):
        assert abs(one.wait - other.wait) < 10_000_000


async def test_wishes_that_gather_go_in_one_call_and_each_gets_its_own_answer(
    shared: SharedBuckets,
) -> None:
    calls = []
    ask = shared._ask

    async def counted(client: object, asked: list[tuple[Wish, int]]) -> list[Verdict]:
        calls.append(len(asked))
        return await ask(client, asked)  # type: ignore[arg-type]

    shared._ask = counted  # type: ignore[method-assign, assignment]
    verdicts = await asyncio.gather(
        *(shared.judge(wish("one" if n % 2 else f"other {n}", SLOW)) for n in range(40))
    )
    assert len(calls) <= 3
    assert sum(calls) == 40
    one = [verdict for n, verdict in enumerate(verdicts) if n % 2 and verdict]
    assert [verdict.refused_by for verdict in one] == [0] * 5 + [1] * 15
    others = [verdict for n, verdict in enumerate(verdicts) if n % 2 == 0]
    assert all(verdict and not verdict.refused_by for verdict in others)


async def test_who_was_told_to_wait_is_not_asked_about_again(shared: SharedBuckets) -> None:
    for _ in range(5):
        assert (await shared.judge(wish("k", SLOW))).refused_by == 0  # type: ignore[union-attr]
    refused = await shared.judge(wish("k", SLOW))
    assert refused is not None
    assert refused.refused_by == 1
    shared._ask = None  # type: ignore[method-assign, assignment]
    again = await shared.judge(wish("k", SLOW))
    assert again is not None
    assert 0 < again.wait <= refused.wait


async def test_nobody_waits_for_the_end_of_a_connection_that_hangs(
    shared: SharedBuckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of TLS does, which says goodbye and waits to hear it too."""

    async def hang(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(sharing, "BUDGET_S", 0.02)
    assert shared._redis is not None
    aclose, shared._redis.aclose = shared._redis.aclose, hang  # type: ignore[method-assign]
    monkeypatch.setattr(shared, "_ask", hang)
    async with asyncio.timeout(0.5):
        verdicts = await asyncio.gather(*(shared.judge(wish(f"k{n}", SLOW)) for n in range(3)))
    assert verdicts == [None, None, None]
    await aclose()


async def test_a_redis_that_forgets_its_scripts_and_buckets_lets_one_burst_through(
    shared: SharedBuckets,
) -> None:
    assert shared._redis is not None
    await shared.judge(wish("k", SLOW))
    await shared._redis.flushall()
    await shared._redis.script_flush()
    verdicts = [await shared.judge(wish("k", SLOW)) for _ in range(8)]
    assert [verdict and verdict.refused_by for verdict in verdicts] == [0] * 5 + [1] * 3


async def test_a_bucket_in_redis_goes_when_it_is_empty(shared: SharedBuckets) -> None:
    assert shared._redis is not None
    await shared.judge(wish("k", Quota(1_000, 10_000)))
    await asyncio.sleep(0.03)
    assert await shared._redis.keys("test:*") == []


async def test_an_instant_that_another_clock_wrote_makes_nobody_wait_for_ever(
    shared: SharedBuckets,
) -> None:
    assert shared._redis is not None
    soon = Quota(20_000, 100_000)
    for key in ("test:k", "test:other account"):
        await shared._redis.set(key, str(10**17))
    for asked, number in ((wish("k", soon), 1), (wish("j", soon, "other"), 2)):
        assert await shared.judge(asked) == Verdict(number, soon.interval, 0)
        await asyncio.sleep(0.1)
        assert (await shared.judge(asked)).refused_by == 0  # type: ignore[union-attr]
