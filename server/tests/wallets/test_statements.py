"""The statement of a wallet, for programs and for its holder."""

from __future__ import annotations

import csv
import io
import time

from tests.ledger.keeping import refused
from tests.support.api import Answer, Api
from tests.wallets.keeping import WALLETS, filled, transfer, wallet


def statement(api: Api, wallet: str, **given: object) -> Answer:
    asked = {"interval_start": 0, "interval_end": int(time.time()) + 60, **given}
    return api.get(f"{WALLETS}/{wallet}/statement", **asked)


def test_a_statement_tells_what_came_and_went_and_what_is_left(api: Api) -> None:
    customer = api.post("/v1/customers")["id"]
    purse, other = filled(api, 1000, customer=customer, name="Travel"), wallet(api)
    transfer(api, purse, other, 300, description="Lunch")
    found = statement(api, purse)
    lines = found.body.pop("data")
    assert [(one["type"], one["amount"], one["balance"]) for one in lines] == [
        ("top_up", 1000, 1000),
        ("transfer", -300, 700),
    ]
    assert lines[1]["description"] == "Lunch"
    listed = api.get(f"{WALLETS}/{purse}/transactions")["data"]
    assert [one["id"] for one in lines] == [one["id"] for one in reversed(listed)]
    assert found.body == {
        **found.body,
        "object": "wallet_statement",
        "wallet": purse,
        "customer": customer,
        "name": "Travel",
        "currency": "usd",
        "opening_balance": 0,
        "money_in": 1000,
        "money_out": 300,
        "closing_balance": 700,
        "transactions": 2,
    }


def test_a_file_is_in_the_words_of_the_holder(api: Api) -> None:
    purse = filled(api, 1000)
    transfer(api, purse, wallet(api), 300)
    written = api._client.get(
        f"{WALLETS}/{purse}/statement",
        params={"interval_start": 0, "interval_end": int(time.time()) + 60, "format": "csv"},
        headers={"Authorization": f"Bearer {api.key}"},
    )
    rows = list(csv.DictReader(io.StringIO(written.text, newline="")))
    assert [(row["type"], row["debit"], row["credit"], row["balance"]) for row in rows] == [
        ("", "", "", "0.00"),
        ("top_up", "", "10.00", "10.00"),
        ("transfer", "3.00", "", "7.00"),
        ("", "", "", "7.00"),
    ]


def test_an_interval_that_is_empty_is_refused(api: Api) -> None:
    answer = statement(api, wallet(api), interval_start=10, interval_end=10)
    assert refused(answer) == (400, None, "interval_end")


def test_a_statement_of_somebody_elses_wallet_does_not_exist(api: Api, other_api: Api) -> None:
    assert statement(other_api, wallet(api)).status == 404
