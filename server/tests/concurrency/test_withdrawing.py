"""Many who withdraw from one wallet at the same moment, in one process and in two."""

from __future__ import annotations

from typing import Any

from tests.payouts.keeping import PAYOUTS, pay_out
from tests.support.api import Answer, unique
from tests.support.storm import Storm, succeeded
from tests.wallets.keeping import balance, filled, hold, transfer, wallet

SENT = ("in_transit", "paid")


def test_twenty_withdrawals_take_exactly_what_there_is(storm: Storm) -> None:
    purse = filled(storm.api, 1000)
    answers = storm.crowd(lambda api, _: pay_out(api, purse, 90), 20)
    assert len(succeeded(answers)) == 11
    assert balance(storm.api, purse) == 10
    assert storm.ledger_differences() == []


def test_twenty_withdrawals_pass_no_limit(storm: Storm) -> None:
    purse = filled(storm.api, 5000, limits={"per_day": 1000})
    answers = storm.crowd(lambda api, _: pay_out(api, purse, 90), 20)
    assert len(succeeded(answers)) == 11
    assert balance(storm.api, purse) == 5000 - 990
    assert storm.ledger_differences() == []


def test_one_key_pays_out_once(storm: Storm) -> None:
    purse, key = filled(storm.api, 1000), unique()
    answers = storm.crowd(lambda api, _: pay_out(api, purse, 90, key=key), 20)
    assert len({answer.content for answer in succeeded(answers)}) == 1
    assert balance(storm.api, purse) == 910


def test_whatever_leaves_a_wallet_at_once_leaves_its_floor_alone(storm: Storm) -> None:
    """Payouts that arrive, that are refused and that are canceled, transfers, and holds."""
    purse, other = filled(storm.api, 2000), wallet(storm.api)

    def wish(api: Any, number: int) -> Answer:
        match number % 5:
            case 0:
                return pay_out(api, purse, 150)
            case 1:
                return pay_out(api, purse, 150, destination="ba_noAccount")
            case 2:
                pending = pay_out(api, purse, 150, destination="ba_pending")
                if pending.status != 200:
                    return pending
                return api.post(f"{PAYOUTS}/{pending['id']}/cancel")
            case 3:
                return transfer(api, purse, other, 150)
        return hold(api, purse, 150)

    answers = storm.crowd(wish, 30)
    assert {answer.status for answer in answers} <= {200, 400}
    paid_out = sum(
        answer["amount"] for answer in succeeded(answers) if answer.body.get("status") in SENT
    )
    assert balance(storm.api, purse) == 2000 - paid_out - balance(storm.api, other)
    assert storm.ledger_differences() == []
