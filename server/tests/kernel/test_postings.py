"""A transaction of the ledger cannot be made wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.postings import AccountRef, LedgerTransaction, Leg

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TILL = AccountRef("till", "usd", "debit")
SALES = AccountRef("sales", "usd", "credit")
EUROS = AccountRef("till", "eur", "debit")


def _transaction(*legs: Leg, currency: str = "usd") -> LedgerTransaction:
    return LedgerTransaction("txn_1", "charge", "ch_1", NOW, NOW, currency, legs)


@given(amounts=st.lists(st.integers().filter(bool), min_size=1))
def test_legs_that_sum_to_zero_are_a_transaction(amounts: list[int]) -> None:
    rest = -sum(amounts)
    legs = [Leg(TILL, amount) for amount in amounts] + ([Leg(SALES, rest)] if rest else [])
    if len(legs) < 2:
        legs = [Leg(TILL, 1), Leg(SALES, -1)]
    assert _transaction(*legs).legs == tuple(legs)


@given(amounts=st.lists(st.integers().filter(bool), min_size=2).filter(sum))
def test_legs_that_do_not_sum_to_zero_are_refused(amounts: list[int]) -> None:
    with pytest.raises(ValueError, match="debits and credits differ"):
        _transaction(*(Leg(TILL, amount) for amount in amounts))


@pytest.mark.parametrize(
    ("legs", "problem"),
    [
        ((), "two legs, not 0"),
        ((Leg(TILL, 0),), "two legs, not 1"),
        ((Leg(TILL, 1), Leg(SALES, -2)), "debits and credits differ"),
        ((Leg(TILL, 0), Leg(SALES, 0)), "a leg is zero"),
        ((Leg(TILL, 1), Leg(SALES, -1), Leg(SALES, 0)), "a leg is zero"),
        ((Leg(TILL, 1), Leg(EUROS, -1)), "of another currency"),
    ],
)
def test_what_is_no_transaction_is_refused_by_name(legs: tuple[Leg, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=f"txn_1.*{problem}"):
        _transaction(*legs)


def test_legs_and_transaction_are_of_one_currency() -> None:
    with pytest.raises(ValueError, match="of another currency"):
        _transaction(Leg(TILL, 1), Leg(SALES, -1), currency="eur")
