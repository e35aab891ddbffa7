"""At the edge of what a balance can be, a signed 64-bit integer, nothing overflows."""

from __future__ import annotations

import pytest

from guilder_server.ledger.domain.transfers import LARGEST, MOST, within
from tests.support.api import Api


def test_each_of_many_is_told_by_itself_that_a_balance_can_not_be_so_large(api: Api) -> None:
    accounts = [
        api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="debit")["id"]
        for code in ("a", "b")
    ]
    posting = {"debit": accounts[0], "credit": accounts[1], "amount": LARGEST}
    sent = {"atomic": False, "transactions": [{"postings": [posting] * 100}] * 47}
    first, second = [api.raw("POST", "/v1/ledger/transactions/bulk", json=sent) for _ in range(2)]
    assert (first["posted"], first["refused"]) == (47, 0)
    fitting = MOST // (100 * LARGEST)
    assert (second["posted"], second["refused"]) == (fitting - 47, 94 - fitting)
    codes = {one["error"]["code"] for one in second["results"] if one["error"] is not None}
    assert codes == {"balance_exceeded"}
    balances = [api.get(f"/v1/ledger/accounts/{id}/balance")["balance"] for id in accounts]
    assert balances == [fitting * 100 * LARGEST, -fitting * 100 * LARGEST]


@pytest.mark.parametrize(
    ("normal", "going", "coming", "fits"),
    [
        (MOST, 0, 0, True),
        (-MOST, 0, 0, True),
        (MOST, 0, 1, False),
        (-MOST, 1, 0, False),
        (-MOST, 0, MOST, True),
        # What is held is kept as a number of its own.
        (-MOST, 0, MOST + 1, False),
        (MOST, MOST + 1, 0, False),
    ],
)
def test_what_is_held_counts_and_is_no_larger_than_a_balance(
    normal: int, going: int, coming: int, fits: bool
) -> None:
    assert within(None, normal, going, coming) is fits
