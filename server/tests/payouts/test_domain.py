"""The states of a payout, each with all that may and may not follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guilder_server.kernel.errors import Conflict, InvalidRequest, Refused
from guilder_server.payouts.domain import payout as rules
from guilder_server.payouts.domain.payout import Payout, Status

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAYOUT = Payout(
    id="po_1",
    version=1,
    created=NOW,
    status="pending",
    amount=400,
    currency="usd",
    wallet_id="wal_1",
    counted=False,
    gateway="sandbox",
    method="standard",
    attempt_id="att_1",
    transaction_id="lt_1",
    arrival=NOW,
)
STATES: tuple[Status, ...] = ("pending", "in_transit", "paid", "failed", "canceled")
MOVES: dict[str, Callable[[Payout], Payout]] = {
    "send": lambda payout: rules.send(payout, "ref_1", NOW),
    "arrive": lambda payout: rules.arrive(payout, None),
    "fail": lambda payout: rules.fail(payout, "account_closed", "It is closed."),
    "cancel": rules.cancel,
}
# From which state each move leads where; from all others it leads nowhere.
TABLE: dict[tuple[Status, str], Status] = {
    ("pending", "send"): "in_transit",
    ("pending", "fail"): "failed",
    ("pending", "cancel"): "canceled",
    ("in_transit", "arrive"): "paid",
    ("in_transit", "fail"): "failed",
    ("paid", "fail"): "failed",
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_a_payout_moves_as_the_table_says(state: Status, move: str) -> None:
    before = replace(PAYOUT, status=state)
    if (state, move) in TABLE:
        assert MOVES[move](before).status == TABLE[state, move]
    else:
        with pytest.raises(Conflict):
            MOVES[move](before)


def test_what_has_been_sent_is_asked_about_when_it_should_have_arrived() -> None:
    assert rules.send(PAYOUT, "ref_1", NOW).ask_after == NOW


@pytest.mark.parametrize("move", ["fail", "cancel"])
def test_what_is_over_is_not_asked_about(move: str) -> None:
    assert MOVES[move](PAYOUT).ask_after is None


@pytest.mark.parametrize("state", [state for state in STATES if state != "pending"])
def test_only_a_pending_one_may_be_canceled(state: Status) -> None:
    rules.refuse_unstoppable(PAYOUT)
    with pytest.raises(Refused, match=state):
        rules.refuse_unstoppable(replace(PAYOUT, status=state))


@pytest.mark.parametrize(
    ("amount", "currency"), [(1, "usd"), (1, "jpy"), (10, "kwd"), (100, "huf"), (100, "isk")]
)
def test_banks_settle_whole_steps(amount: int, currency: str) -> None:
    rules.refuse_uneven(amount, currency)
    if amount > 1:
        with pytest.raises(InvalidRequest):
            rules.refuse_uneven(amount + 1, currency)
