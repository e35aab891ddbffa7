"""Money of a wallet that is set aside."""

from __future__ import annotations

import time

import pytest

from tests.ledger.keeping import refused
from tests.support.api import Api
from tests.support.processes import eventually
from tests.wallets.keeping import (
    WALLETS,
    available,
    balance,
    capture,
    filled,
    hold,
    movements,
    release,
    told,
    transfer,
    wallet,
)


def test_a_hold_leaves_the_balance_and_takes_from_what_is_available(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 300)
    assert (kept["status"], kept["amount_held"]) == ("held", 300)
    found = api.get(f"{WALLETS}/{purse}")
    assert (found["balance"], found["held"], found["available"]) == (1000, 300, 700)
    assert refused(transfer(api, purse, wallet(api), 701)) == (
        400,
        "balance_insufficient",
        "amount",
    )
    assert refused(hold(api, purse, 701)) == (400, "balance_insufficient", "amount")


def test_what_is_captured_goes_to_the_merchant_and_the_rest_is_let_go(api: Api) -> None:
    purse = filled(api, 1000)
    before = api.get("/v1/balance")["available"][0]["amount"]
    after = capture(api, hold(api, purse, 300), amount=250)
    assert (after["status"], after["amount_captured"], after["amount_held"]) == (
        "captured",
        250,
        0,
    )
    assert (balance(api, purse), available(api, purse)) == (750, 750)
    assert api.get("/v1/balance")["available"][0]["amount"] == before + 250
    assert movements(api, purse)[-1] == ("payment", -250, 750)
    assert told(api, after["id"]) == ["wallet_hold.created", "wallet_hold.captured"]


def test_what_is_captured_goes_to_the_wallet_that_the_hold_names(api: Api) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    capture(api, hold(api, ada, 300, destination=bob))
    assert (balance(api, ada), balance(api, bob)) == (700, 300)


def test_a_hold_is_captured_in_parts_while_the_rest_stays_held(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 300)
    part = capture(api, kept, amount=100, final_capture=False)
    assert (part["status"], part["amount_held"]) == ("held", 200)
    assert available(api, purse) == 700
    whole = capture(api, kept, final_capture=False)
    assert (whole["status"], whole["amount_captured"]) == ("captured", 300)
    assert (balance(api, purse), available(api, purse)) == (700, 700)


def test_what_is_released_is_available_again(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 300)
    assert release(api, kept)["status"] == "released"
    assert available(api, purse) == 1000
    assert told(api, kept["id"])[-1] == "wallet_hold.released"


def test_a_hold_of_a_frozen_wallet_is_released_and_not_captured(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 300)
    api.post(f"{WALLETS}/{purse}", status="frozen")
    assert refused(capture(api, kept)) == (400, "wallet_frozen", "wallet")
    assert release(api, kept).status == 200


@pytest.mark.parametrize("end", [capture, release])
def test_a_hold_ends_once(api: Api, end: object) -> None:
    kept = hold(api, filled(api, 1000), 300)
    assert end(api, kept).status == 200  # type: ignore[operator]
    for again in (capture, release):
        assert refused(again(api, kept)) == (400, "wallet_hold_unexpected_state", "hold")


def test_no_more_is_captured_than_is_held(api: Api) -> None:
    kept = hold(api, filled(api, 1000), 300)
    assert refused(capture(api, kept, amount=301)) == (400, "amount_too_large", "amount")


def test_a_hold_that_is_out_of_time_lets_go_by_itself(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 300, expires_at=int(time.time()) + 2)
    assert eventually(lambda: available(api, purse) == 1000)
    found = api.get(f"{WALLETS}/{purse}/holds/{kept['id']}")
    assert (found["status"], found["amount_held"]) == ("expired", 0)
    assert told(api, kept["id"])[-1] == "wallet_hold.expired"
    assert refused(capture(api, kept)) == (400, "wallet_hold_unexpected_state", "hold")


def test_a_hold_ends_in_the_future(api: Api) -> None:
    answer = hold(api, filled(api, 1000), 300, expires_at=1_700_000_000)
    assert refused(answer) == (400, None, "expires_at")


def test_holds_are_listed_by_status_and_found_under_their_wallet_alone(api: Api) -> None:
    purse, other = filled(api, 1000), wallet(api)
    first, second = hold(api, purse, 1), hold(api, purse, 2)
    release(api, first)
    listed = api.get(f"{WALLETS}/{purse}/holds", status="held")["data"]
    assert [one["id"] for one in listed] == [second["id"]]
    assert api.get(f"{WALLETS}/{other}/holds/{second['id']}").status == 404


def test_a_hold_of_a_closed_destination_waits(api: Api) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    kept = hold(api, ada, 300, destination=bob)
    api.post(f"{WALLETS}/{bob}", status="closed")
    assert refused(capture(api, kept)) == (400, "wallet_closed", "hold")
    assert release(api, kept).status == 200
