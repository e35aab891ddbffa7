"""Many at one wallet: its money goes once, and to the last cent."""

from __future__ import annotations

import random

from tests.ledger.keeping import codes, racing
from tests.support.api import Answer, Api
from tests.wallets.keeping import available, balance, capture, filled, hold, transfer, wallet


def test_sixty_four_clients_drain_a_wallet_to_its_floor_and_no_further(api: Api) -> None:
    purse, other = filled(api, 1000), wallet(api)
    answers = racing(64, lambda number: transfer(api, purse, other, 30))
    assert codes(answers) == ["balance_insufficient"] * 31
    assert (balance(api, purse), balance(api, other)) == (10, 990)


def test_payments_transfers_and_holds_share_what_is_there(api: Api) -> None:
    purse, other = filled(api, 1000), wallet(api)

    def one(number: int) -> Answer:
        if number % 3 == 0:
            return transfer(api, purse, other, 100)
        if number % 3 == 1:
            return hold(api, purse, 100)
        return api.post(
            "/v1/payment_intents", amount=100, currency="usd", wallet=purse, confirm=True
        )

    answers = racing(24, one)
    assert codes(answers) == ["balance_insufficient"] * 14
    assert available(api, purse) == 0


def test_of_many_captures_of_a_hold_one_takes_it(api: Api) -> None:
    purse = filled(api, 1000)
    kept = hold(api, purse, 600)
    answers = racing(8, lambda number: capture(api, kept))
    assert codes(answers) == ["wallet_hold_unexpected_state"] * 7
    assert balance(api, purse) == 400


def test_a_thousand_transfers_among_ten_wallets_leave_their_sum_as_it_was(api: Api) -> None:
    purses = [filled(api, 1000) for _ in range(10)]
    chosen = random.Random(7)
    pairs = [chosen.sample(purses, 2) for _ in range(1000)]
    amounts = [chosen.randint(1, 400) for _ in range(1000)]

    def hundred(number: int) -> Answer:
        for place in range(number * 50, number * 50 + 50):
            answer = transfer(api, *pairs[place], amounts[place])
            assert answer.status == 200 or answer.error["code"] == "balance_insufficient"
        return answer

    racing(20, hundred)
    balances = [balance(api, purse) for purse in purses]
    assert sum(balances) == 10_000
    assert min(balances) >= 0
