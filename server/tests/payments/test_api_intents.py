"""Payment intents over the wire."""

from __future__ import annotations

from tests.support.api import Api, unique


def test_a_confirmed_payment_succeeds_with_its_charge_and_its_money(api: Api) -> None:
    paid = api.pay(2000, expand=["latest_charge.balance_transaction"])
    assert paid.status == 200
    assert paid["status"] == "succeeded"
    assert paid["amount_received"] == 2000
    moved = paid["latest_charge"]["balance_transaction"]
    assert (moved["amount"], moved["fee"], moved["net"]) == (2000, 88, 1912)


def test_a_repeated_key_answers_the_same_bytes_and_charges_once(api: Api) -> None:
    key = unique()
    first = api.pay(key=key)
    second = api.pay(key=key)
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len(api.get("/v1/charges")["data"]) == 1


def test_another_account_does_not_see_the_payment(api: Api, other_api: Api) -> None:
    paid = api.pay()
    foreign = other_api.get(f"/v1/payment_intents/{paid['id']}")
    absent = other_api.get("/v1/payment_intents/pi_absent")
    assert foreign.status == absent.status == 404
    assert foreign.error["code"] == absent.error["code"] == "resource_missing"
