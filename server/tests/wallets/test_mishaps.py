"""What went wrong with wallets once: closed at the wrong moment, emptied while a card was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.gateways.infra import sandbox_behaviours
from guilder_server.kernel.clock import ManualClock
from tests.payouts.keeping import SandboxHere, clock, desk
from tests.support.api import Answer, Api, ApiServer
from tests.support.composed import PlayedGateway
from tests.wallets.keeping import WALLETS, balance, filled, top_up, transfer, wallet

ASKS = "pm_card_threeDSecure2Required"


@pytest.fixture
def far_away(database_url: str) -> Iterator[str]:
    name = database_url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Pacific/Auckland'")
        yield database_url
        connection.execute(f"ALTER DATABASE {name} RESET timezone")


@pytest.mark.anyio
async def test_a_limit_holds_wherever_the_database_is(far_away: str) -> None:
    async with desk(far_away, SandboxHere(clock()), **{"limits[per_day]": "300"}) as shop:
        other = (await shop.server.post(WALLETS, currency="usd")).json()["id"]
        holds = f"{WALLETS}/{shop.wallet}/holds"
        hold = (await shop.server.post(holds, amount=300)).json()
        await shop.server.post(f"{holds}/{hold['id']}/release")
        shop.server.clock.advance(timedelta(days=1))
        path = f"{WALLETS}/{shop.wallet}/transfers"
        answer = await shop.server.post(path, amount=600, destination=other)
        assert answer.status_code == 400
        assert shop.differences() == []


class RefusesRefunds(PlayedGateway):
    async def refund(self, request: Any) -> Any:
        return await self._reply(request, sandbox_behaviours.REFUND_FAILED)


@pytest.mark.anyio
async def test_a_refund_that_fails_does_not_fill_a_wallet_that_was_closed(
    database_url: str,
) -> None:
    gateway = RefusesRefunds(clock())
    async with desk(database_url, gateway) as shop:
        [intent] = (await shop.server.get("/v1/payment_intents")).json()["data"]
        gateway.hold()
        asking = asyncio.create_task(shop.server.post("/v1/refunds", payment_intent=intent["id"]))
        await gateway.reached()
        await shop.change_wallet(status="closed")
        gateway.let_go()
        await asking
        assert await shop.balance() == 0
        assert shop.differences() == []
        again = await shop.server.post("/v1/refunds", payment_intent=intent["id"])
        assert again.status_code == 200
        assert (await shop.balance(), shop.differences()) == (0, [])


def test_a_refund_does_not_take_from_a_closed_wallet(api: Api, api_server: ApiServer) -> None:
    purse, other = wallet(api, floor=-1000), wallet(api)
    paid = top_up(api, purse, 500)
    transfer(api, purse, other, 500)
    assert api.post(f"{WALLETS}/{purse}", status="closed").status == 200
    assert api.post("/v1/refunds", payment_intent=paid["id"]).status == 400
    assert balance(api, purse) == 0


def authenticate(api: Api, intent: Answer, how: str = "complete") -> None:
    page, _, query = intent["next_action"]["use_stripe_sdk"]["stripe_js"].partition("?")
    assert api._client.post(f"{page}/{how}?{query}").status_code == 200


def test_who_does_not_authenticate_does_not_pay(api: Api) -> None:
    purse = filled(api, 600)
    intent = api.pay(amount=2000, wallet=purse, payment_method=ASKS)
    top_up(api, purse, 1400)
    authenticate(api, intent, "fail")
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "requires_payment_method"
    assert balance(api, purse) == 2000


@pytest.mark.parametrize("how", ["spent", "lowered"])
def test_a_card_is_not_charged_more_than_its_holder_agreed_to(api: Api, how: str) -> None:
    purse, other = filled(api, 600), wallet(api)
    intent = api.pay(amount=2000, wallet=purse, payment_method=ASKS)
    if how == "spent":
        transfer(api, purse, other, 600)
    else:
        api.post(f"/v1/payment_intents/{intent['id']}", wallet_amount=100)
    page, _, query = intent["next_action"]["use_stripe_sdk"]["stripe_js"].partition("?")
    api._client.post(f"{page}/complete?{query}")
    after = api.get(f"/v1/payment_intents/{intent['id']}", expand=["latest_charge"])
    assert after["latest_charge"] is None or after["latest_charge"]["amount"] <= 1400


@pytest.mark.anyio
async def test_a_card_pays_for_a_wallet_that_is_emptied_in_this_moment(database_url: str) -> None:
    async with desk(database_url, SandboxHere(clock())) as shop:
        given = {"amount": 1000, "currency": "usd", "confirm": "true", "wallet": shop.wallet}
        given["payment_method"] = "pm_card_visa"
        answers = await asyncio.gather(
            *(shop.server.post("/v1/payment_intents", **given) for _ in range(3))
        )
        assert [one.status_code for one in answers] == [200] * 3


class Ticking(ManualClock):
    """Goes on a second each time it is looked at."""

    ticks = False

    def now(self) -> datetime:
        if self.ticks:
            self.advance(timedelta(seconds=1))
        return super().now()


@pytest.mark.anyio
async def test_a_payout_at_midnight_is_counted_on_one_day(database_url: str) -> None:
    time = Ticking(datetime(2026, 11, 20, 12, tzinfo=UTC))
    async with desk(database_url, SandboxHere(time), **{"limits[per_day]": "1000"}) as shop:
        for seconds in range(1, 8):
            late = datetime(2026, 11, 20 + seconds, 23, 59, 59 - seconds, tzinfo=UTC)
            time.advance(late - time.now())
            time.ticks = True
            await shop.pay_out(destination="ba_noAccount")
            time.ticks = False
            listed = (await shop.server.get("/v1/ledger/accounts", limit=100)).json()["data"]
            assert [
                (one["code"][-10:], one["balance"])
                for one in listed
                if one["code"].startswith("memo/") and one["balance"]
            ] == []


@pytest.mark.parametrize("given", [{}, {"wallet_amount": 5}])
def test_what_is_left_for_a_card_is_what_a_card_takes(api: Api, given: dict[str, int]) -> None:
    purse, other = wallet(api, currency="kwd"), wallet(api, currency="kwd")
    top_up(api, purse, 1010, currency="kwd")
    transfer(api, purse, other, 5)
    paid = api.pay(amount=5000, currency="kwd", wallet=purse, **given)
    if paid.status == 200:
        assert api.get(f"/v1/charges/{paid['latest_charge']}")["amount"] % 10 == 0


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_words_of_a_payment_change_whatever_became_of_its_wallet(api: Api, status: str) -> None:
    purse = filled(api, 600)
    paid = api.post("/v1/payment_intents", amount=600, currency="usd", wallet=purse, confirm=True)
    assert api.post(f"{WALLETS}/{purse}", status=status).status == 200
    answer = api.post(f"/v1/payment_intents/{paid['id']}", metadata={"order": "1"})
    assert answer.status == 200


def test_a_browser_does_not_see_the_wallet(api: Api) -> None:
    paid = api.pay(amount=2000, wallet=filled(api, 600))
    given = {"client_secret": paid["client_secret"]}
    path, key = f"/v1/payment_intents/{paid['id']}", api.account.publishable_key
    seen = api.send("GET", path, given, secret=key)
    assert (seen["latest_charge"], seen["wallet"], seen["wallet_charge"]) == (None, None, None)


def test_a_browser_is_not_told_the_code_of_an_account(api: Api) -> None:
    intent = api.post("/v1/payment_intents", amount=900, currency="usd", wallet=filled(api, 600))
    given = {"client_secret": intent["client_secret"]}
    path, key = f"/v1/payment_intents/{intent['id']}/confirm", api.account.publishable_key
    assert "wallet/wal_" not in api.send("POST", path, given, secret=key).error["message"]


def test_a_wallet_is_taken_off_a_payment_again(api: Api) -> None:
    given = {"wallet": filled(api, 600), "wallet_amount": 250, "confirm": False}
    intent = api.pay(amount=2000, **given)
    answer = api.post(f"/v1/payment_intents/{intent['id']}", wallet="")
    assert answer.status == 200


def test_no_amount_comes_from_a_wallet_that_is_topped_up(api: Api) -> None:
    assert api.pay(amount=2000, top_up_wallet=wallet(api), wallet_amount=600).status == 400
