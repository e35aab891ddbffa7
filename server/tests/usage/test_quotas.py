"""Quotas: what a plan lets through, what it refuses, and what is never refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.composed import Composed, composed
from tests.usage.keeping import error, on_plan, pay, put_on, used

pytestmark = pytest.mark.anyio
BOTH = pytest.mark.parametrize("elsewhere", [False, True], ids=["in process", "elsewhere"])
MONTH_AND_MORE = timedelta(days=11)


async def _payments(server: Composed, many: int) -> None:
    """Until so many are counted."""
    for _ in range(500):
        if (await used(server))["payments"] == many:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await used(server))


@BOTH
async def test_a_hard_quota_lets_as_many_payments_through_as_it_says(
    database_url: str, tmp_path: Path, elsewhere: bool
) -> None:
    async with on_plan(database_url, tmp_path, "small", elsewhere=elsewhere) as server:
        for _ in range(3):
            assert (await pay(server)).status_code == 200
        refused = await pay(server, "once more")
        assert refused.status_code == 403
        assert error(refused) == {
            "type": "invalid_request_error",
            "code": "quota_exceeded",
            "message": "The plan 'small' allows 3 payments a month, of which 3 are used in "
            "2026-11 (meter payments). Nothing was changed. Wait until the month ends, at "
            "2026-12-01 00:00 UTC, or ask whoever runs this server for another plan.",
        }
        assert len((await server.get("/v1/payment_intents")).json()["data"]) == 3
        assert (await used(server))["payments"] == 3
        # It was refused for now: the same wish may be said again on another plan.
        put_on(database_url, server.account.account, None)
        again = await pay(server, "once more")
        assert again.status_code == 200
        assert "idempotent-replayed" not in again.headers


@BOTH
async def test_what_follows_from_a_payment_is_never_refused(
    database_url: str, tmp_path: Path, elsewhere: bool
) -> None:
    async with on_plan(database_url, tmp_path, None, elsewhere=elsewhere) as server:
        held = (await pay(server, capture_method="manual")).json()["id"]
        canceled = (await pay(server, capture_method="manual")).json()["id"]
        for _ in range(3):
            paid = (await pay(server)).json()["id"]
        put_on(database_url, server.account.account, "small")
        assert (await pay(server)).status_code == 403
        captured = await server.post(f"/v1/payment_intents/{held}/capture")
        assert captured.json()["status"] == "succeeded"
        assert (await server.post(f"/v1/payment_intents/{canceled}/cancel")).status_code == 200
        assert (await server.post("/v1/refunds", payment_intent=paid)).status_code == 200


@BOTH
async def test_a_declined_try_is_no_payment_and_its_second_try_is_one(
    database_url: str, tmp_path: Path, elsewhere: bool
) -> None:
    async with on_plan(database_url, tmp_path, "small", elsewhere=elsewhere) as server:
        declined = await pay(server, payment_method="pm_card_chargeDeclined")
        assert declined.status_code == 402
        assert (await used(server))["payments"] == 0
        intent = error(declined)["payment_intent"]["id"]
        await server.post(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa")
        await server.post("/v1/charges", amount=900, currency="usd", source="tok_visa")
        assert (await used(server))["payments"] == 2


async def test_a_payment_on_its_way_has_its_place(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "small", elsewhere=True) as server:
        await pay(server)
        server.gateway.hold()
        waiting = [asyncio.create_task(pay(server)) for _ in range(2)]
        await _payments(server, 3)
        assert (await pay(server)).status_code == 403
        # Whoever was let through is not stopped by what happens to the plan meanwhile.
        put_on(database_url, server.account.account, "calls")
        server.gateway.let_go()
        assert [one.status_code for one in await asyncio.gather(*waiting)] == [200, 200]
        assert (await used(server))["payments"] == 3


async def test_a_soft_quota_counts_what_goes_beyond_it(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "soft") as server:
        for _ in range(4):
            assert (await pay(server)).status_code == 200
        usage = (await server.get("/v1/usage")).json()
        assert (usage["plan"], usage["hard"], usage["month"]) == ("soft", False, "2026-11")
        assert usage["meters"][0] == {"meter": "payments", "used": 4, "limit": 2}


async def test_what_exists_may_be_replaced(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "small") as server:
        wallets = [(await server.post("/v1/wallets", currency="usd")).json()["id"] for _ in "ab"]
        refused = await server.post("/v1/wallets", currency="usd")
        assert error(refused)["code"] == "quota_exceeded"
        assert "2 wallets at a time, and there are 2" in error(refused)["message"]
        await server.post(f"/v1/wallets/{wallets[0]}", status="closed")
        assert (await server.post("/v1/wallets", currency="usd")).status_code == 200
        asked = {"url": "http://127.0.0.1:9/a", "enabled_events[]": "*"}
        endpoint = (await server.post("/v1/webhook_endpoints", **asked)).json()["id"]
        assert (await server.post("/v1/webhook_endpoints", **asked)).status_code == 403
        await server.client.delete(f"/v1/webhook_endpoints/{endpoint}")
        assert (await server.post("/v1/webhook_endpoints", **asked)).status_code == 200
        found = await used(server)
        assert (found["wallets"], found["webhook_endpoints"]) == (2, 1)


async def test_a_payment_by_a_wallet_and_a_card_is_one_payment(
    database_url: str, tmp_path: Path
) -> None:
    async with on_plan(database_url, tmp_path, "ten") as server:
        wallet = (await server.post("/v1/wallets", currency="usd")).json()["id"]
        await pay(server, top_up_wallet=wallet)
        assert (await pay(server, wallet=wallet, wallet_amount=500)).status_code == 200
        paid = {"amount": 900, "currency": "usd", "confirm": "true", "wallet": wallet}
        assert (await server.post("/v1/payment_intents", **paid)).status_code == 200
        assert (await used(server))["payments"] == 3


async def test_calls_are_counted_once_each_and_refused_beyond_a_hard_quota(
    database_url: str, tmp_path: Path
) -> None:
    async with on_plan(database_url, tmp_path, "calls") as server:
        await server.post("/v1/customers", "a key")
        await server.post("/v1/customers", "a key")  # a repetition is a call
        await server.get("/v1/customers")
        await server.get("/v1/customers/cus_absent")
        await server.sweep("count_calls")
        assert (await server.post("/v1/customers")).status_code == 200
        refused = await server.post("/v1/customers")
        assert error(refused)["code"] == "quota_exceeded"
        assert "5 API calls a month, of which 5 are used" in error(refused)["message"]
        # A process that knows refuses reads too, but never what was used.
        assert (await server.get("/v1/customers")).status_code == 403
        assert (await used(server))["api_calls"] == 5
        assert len((await server.get("/v1/usage")).json()["meters"]) == 5


async def test_a_repeated_payment_is_answered_though_no_calls_are_left(
    database_url: str, tmp_path: Path
) -> None:
    """It did take effect: that nothing was changed would be untrue of it."""
    async with on_plan(database_url, tmp_path, "calls") as server:
        first = await pay(server, "the first")
        for number in range(5):
            last = await pay(server, f"another {number}")
        assert error(last)["code"] == "quota_exceeded"
        again = await pay(server, "the first")
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        assert again.headers["idempotent-replayed"] == "true"
        assert (await pay(server, "a new one")).status_code == 403


async def test_what_is_written_takes_storage(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "tight") as server:
        assert (await server.post("/v1/customers", name="Ada")).status_code == 200
        after_one = (await used(server))["storage_bytes"]
        # A row, its event, and the event's snapshot.
        assert 2 * 400 < after_one < 2 * 400 + 1000
        refused = [await server.post("/v1/customers", name="Ada") for _ in range(5)][-1]
        assert error(refused)["code"] == "quota_exceeded"
        assert (await used(server))["storage_bytes"] <= 3000


async def test_the_month_turns(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "small") as server:
        await server.post("/v1/wallets", currency="usd")
        for _ in range(3):
            await pay(server)
        assert (await pay(server)).status_code == 403
        november = await used(server)
        server.clock.advance(MONTH_AND_MORE)
        # What exists is carried over; the question of a moment ago is counted with this month.
        carried = {"wallets": 1, "api_calls": 1}
        assert await used(server) == dict.fromkeys(november, 0) | carried
        assert (await pay(server)).status_code == 200
        assert (await used(server))["payments"] == 1
        assert (await used(server, "2026-11"))["payments"] == 3
        refused = await server.get("/v1/usage", month="2027-01")
        assert error(refused)["param"] == "month"
        # A process whose clock is behind counts in the month that has begun.
        server.clock.advance(-MONTH_AND_MORE)
        assert (await pay(server)).status_code == 200
        assert (await used(server, "2026-11"))["payments"] == 3
        server.clock.advance(MONTH_AND_MORE)
        assert (await used(server))["payments"] == 2


async def test_a_payment_begun_in_one_month_counts_in_the_one_in_which_it_is_approved(
    database_url: str, tmp_path: Path
) -> None:
    async with on_plan(database_url, tmp_path, "small", elsewhere=True) as server:
        server.gateway.hold()
        waiting = [asyncio.create_task(pay(server)) for _ in range(2)]
        declined = asyncio.create_task(pay(server, payment_method="pm_card_chargeDeclined"))
        await _payments(server, 3)
        server.clock.advance(MONTH_AND_MORE)
        server.gateway.let_go()
        await asyncio.gather(*waiting, declined)
        assert (await used(server))["payments"] == 2
        assert (await used(server, "2026-11"))["payments"] == 0


async def _told(server: Composed) -> list[tuple[str, int, int]]:
    listed = await server.get("/v1/events", type="usage.quota_reached", limit=100)
    told = [event["data"]["object"] for event in reversed(listed.json()["data"])]
    return [(one["meter"], one["percent"], one["used"]) for one in told]


async def test_marks_are_told_of_once_a_month(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "ten") as server:
        for _ in range(7):
            await pay(server)
        assert await server.sweep("tell_of_quotas") == 0
        await pay(server)
        async with composed(
            database_url, server.gateway, server.account, plans=f"{tmp_path}/plans.toml"
        ) as other:
            both = [one.sweep("tell_of_quotas") for one in (server, other)]
            await asyncio.gather(*both)
        assert await _told(server) == [("payments", 80, 8)]
        await pay(server)
        await pay(server)
        for _ in range(3):
            await server.sweep("tell_of_quotas")
        assert await _told(server) == [("payments", 80, 8), ("payments", 100, 10)]
        server.clock.advance(MONTH_AND_MORE)
        for _ in range(8):
            await pay(server)
        await server.sweep("tell_of_quotas")
        assert (await _told(server))[2:] == [("payments", 80, 8)]


async def test_a_mark_that_holds_no_more_is_not_told_of(database_url: str, tmp_path: Path) -> None:
    async with on_plan(database_url, tmp_path, "soft") as server:
        await pay(server)
        await pay(server)
        put_on(database_url, server.account.account, "ten")
        await server.sweep("tell_of_quotas")
        assert await _told(server) == []
        for _ in range(6):
            await pay(server)
        await server.sweep("tell_of_quotas")
        assert await _told(server) == [("payments", 80, 8)]


async def test_modes_and_accounts_are_counted_apart(database_url: str, tmp_path: Path) -> None:
    async with (
        on_plan(database_url, tmp_path, "small") as server,
        composed(database_url, server.gateway, plans=f"{tmp_path}/plans.toml") as other,
    ):
        for _ in range(3):
            await pay(server)
        assert (await pay(other)).status_code == 200
        assert (await used(other))["payments"] == 1
