"""Requests under way: the account's share, and what is kept for payments."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.http.contract import Contract
from guilder_server.http.errors import Throttled
from guilder_server.http.limits.crowd import Crowd, Pulse
from guilder_server.http.limits.strangers import MOST_KNOWN, Strangers
from guilder_server.kernel.errors import Unauthenticated
from tests.support.composed import Composed, composed

pytestmark = pytest.mark.anyio


def crowd(most: int = 10, processes: int = 1) -> Crowd:
    return Crowd(most, processes, Pulse())


def refusal(crowd: Crowd, tenant: int, at_once: int, kind: Any) -> str | None:
    try:
        crowd.enter(tenant, at_once, kind)
    except Throttled as throttled:
        return dict(throttled.headers)[b"stripe-rate-limited-reason"].decode()
    return None


def test_a_fifth_is_kept_for_payments() -> None:
    full = crowd(10)
    for tenant in range(8):
        assert refusal(full, tenant, 0, "reads") is None
    for kind in ("reads", "writes", "search"):
        assert refusal(full, 99, 0, kind) == "endpoint-concurrency"
    for tenant in range(2):
        assert refusal(full, tenant, 0, "payments") is None
    assert refusal(full, 99, 0, "payments") == "endpoint-concurrency"
    for tenant in range(3):
        full.leave(tenant)
    assert refusal(full, 99, 0, "reads") is None


def test_a_loop_that_is_late_time_after_time_lets_in_payments_only() -> None:
    busy = crowd(1000)
    for _ in range(7):
        busy.pulse.seen(0.5)
    assert refusal(busy, 1, 0, "reads") is None
    busy.pulse.seen(0.5)
    assert refusal(busy, 1, 0, "reads") == "endpoint-concurrency"
    assert refusal(busy, 1, 0, "payments") is None
    busy.pulse.seen(0.0)
    assert refusal(busy, 1, 0, "reads") is None


def test_an_account_has_its_part_of_its_limit_in_each_process() -> None:
    half = crowd(0, processes=2)
    for _ in range(3):
        assert refusal(half, 1, 6, "payments") is None
    assert refusal(half, 1, 6, "payments") == "global-concurrency"
    assert refusal(half, 2, 6, "payments") is None
    half.leave(1)
    assert refusal(half, 1, 6, "payments") is None
    assert refusal(crowd(0, processes=50), 1, 6, "reads") is None


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=200))
def test_who_leaves_is_forgotten(steps: list[tuple[int, bool]]) -> None:
    some = crowd(50)
    inside: list[int] = []
    for tenant, enters in steps:
        if enters:
            if refusal(some, tenant, 5, "payments") is None:
                inside.append(tenant)
        elif tenant in inside:
            inside.remove(tenant)
            some.leave(tenant)
        assert some.all == len(inside)
        assert max((inside.count(one) for one in inside), default=0) <= 5
    for tenant in inside:
        some.leave(tenant)
    assert not some._of


async def test_requests_that_wait_for_a_gateway_count_until_they_are_answered(
    database_url: str,
) -> None:
    async with composed(database_url, requests_per_process=5) as house:
        house.gateway.hold()
        waiting = [asyncio.create_task(_pay(house)) for _ in range(4)]
        await house.gateway.reached()
        await _under_way(house, 4)
        read = await house.client.get("/v1/balance")
        assert read.status_code == 429
        assert read.headers["stripe-rate-limited-reason"] == "endpoint-concurrency"
        assert read.headers["retry-after"] == "1"
        paid = asyncio.create_task(_pay(house))
        await _under_way(house, 5)
        assert (await _pay(house)).status_code == 429
        house.gateway.let_go()
        assert [one.status_code for one in await asyncio.gather(*waiting, paid)] == [200] * 5
        assert house.server.entrance.admission._crowd.all == 0
        assert (await house.get("/v1/balance")).status_code == 200


async def _under_way(house: Composed, many: int) -> None:
    for _ in range(1000):
        if house.server.entrance.admission._crowd.all == many:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(house.server.entrance.admission._crowd.all)


async def _pay(house: Composed) -> httpx.Response:
    params = {"amount": "500", "currency": "usd", "confirm": "true"}
    return await house.client.post(
        "/v1/payment_intents", data={**params, "payment_method": "pm_card_visa"}
    )


async def test_whoever_is_refused_by_the_rate_leaves_the_crowd(database_url: str) -> None:
    async with composed(database_url, rate_test=1) as house:
        statuses = [(await house.get("/v1/balance")).status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert house.server.entrance.admission._crowd.all == 0


def test_a_flood_of_strangers_grows_nothing() -> None:
    now = [0.0]
    strangers = Strangers(1, lambda: now[0])
    for number in range(MOST_KNOWN + 500):
        address = f"2001:db8:{number // 65536:x}:{number % 65536:x}::1"
        with pytest.raises(Unauthenticated), strangers.watched(address, "Bearer no"):
            raise Unauthenticated("no")
        with strangers.watched("192.0.2.1", f"Bearer {number}"):
            pass
    assert len(strangers._tries) <= MOST_KNOWN
    assert len(strangers._good) <= MOST_KNOWN


def test_addresses_of_one_network_are_one_stranger() -> None:
    strangers = Strangers(1, lambda: 0.0)
    for number in range(10):
        with pytest.raises(Unauthenticated), strangers.watched(f"2001:db8::{number}", "Bearer no"):
            raise Unauthenticated("no")
    with pytest.raises(Throttled), strangers.watched("2001:db8::ffff", "Bearer no"):
        raise Unauthenticated("no")
    with pytest.raises(Throttled), strangers.watched("2001:db8::1", "Bearer other"):
        raise AssertionError("it was looked up")
    with pytest.raises(Unauthenticated), strangers.watched("2001:db8:0:1::1", "Bearer no"):
        raise Unauthenticated("no")


def test_every_operation_has_a_class() -> None:
    operations = Contract.load().operations
    kinds = {name: operation.kind for name, operation in operations.items()}
    assert set(kinds.values()) == {"payments", "writes", "reads", "search"}
    assert kinds["create_payment_intent"] == kinds["create_refund"] == "payments"
    assert kinds["search_charges"] == kinds["retrieve_ledger_statement"] == "search"
    assert kinds["list_charges"] == "reads"
    assert kinds["delete_customer"] == "writes"
    assert all(
        operations[name].method == "POST" for name, kind in kinds.items() if kind == "payments"
    )


def test_no_limit_is_no_limit() -> None:
    free = crowd(0)
    for _ in range(5000):
        assert refusal(free, 1, 0, "reads") is None
