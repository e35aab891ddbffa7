"""Movements of a payment as transactions, and the balance that they make."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.money import Money
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.ledger.domain import chart, movements
from guilder_server.ledger.domain.balance import balance, seen

NOW = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
SOON = datetime(2026, 11, 27, tzinfo=UTC)

_amounts = st.integers(1, 99_999_999)
_parts = _amounts.flatmap(lambda gross: st.tuples(st.just(gross), st.integers(0, gross)))


def _charge(gross: int, fee: int, currency: str = "usd") -> LedgerTransaction:
    return movements.charge(
        "txn_1",
        "ch_1",
        Money(gross, currency),
        Money(fee, currency),
        "sandbox",
        NOW,
        SOON,
        "a chair",
    )


def _legs(transaction: LedgerTransaction) -> dict[str, int]:
    return {leg.account.code: leg.amount for leg in transaction.legs}


def test_a_charge_splits_what_the_gateway_holds_between_merchant_and_fee() -> None:
    assert _legs(_charge(2000, 88)) == {
        "gateway/sandbox": 2000,
        "merchant/2026-11-27": -1912,
        "fees/sandbox": -88,
    }


@given(parts=_parts)
def test_what_the_merchant_sees_of_a_charge_adds_up(parts: tuple[int, int]) -> None:
    gross, fee = parts
    transaction = seen(_charge(gross, fee))
    assert (transaction.amount, transaction.fee) == (gross, fee)
    assert transaction.net == gross - fee
    assert transaction.amount == transaction.net + transaction.fee


@pytest.mark.parametrize(("fee", "code"), [(0, "fees/sandbox"), (2000, "merchant/2026-11-27")])
def test_a_share_of_nothing_has_no_leg(fee: int, code: str) -> None:
    legs = _legs(_charge(2000, fee))
    assert len(legs) == 2
    assert code not in legs


def test_a_charge_of_nothing_is_no_transaction() -> None:
    with pytest.raises(ValueError, match="two legs"):
        _charge(0, 0)


def test_a_charge_and_its_fee_are_in_one_currency() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        movements.charge(
            "txn_1", "ch_1", Money(100, "usd"), Money(3, "eur"), "sandbox", NOW, SOON, None
        )


def test_a_refund_takes_from_the_merchant_and_no_fee_comes_back() -> None:
    transaction = movements.refund("txn_1", "re_1", Money(500, "usd"), "sandbox", NOW, SOON, None)
    assert _legs(transaction) == {"merchant/2026-11-27": 500, "gateway/sandbox": -500}
    shown = seen(transaction)
    assert (shown.amount, shown.net, shown.fee, shown.kind) == (-500, -500, 0, "refund")


@given(amount=_amounts)
def test_a_refund_that_failed_leaves_no_trace_in_any_balance(amount: int) -> None:
    out = movements.refund("txn_1", "re_1", Money(amount, "usd"), "sandbox", NOW, SOON, None)
    back = movements.refund_failure(
        "txn_2", "re_1", Money(amount, "usd"), "sandbox", NOW, SOON, None
    )
    assert {code: out + _legs(back)[code] for code, out in _legs(out).items()} == {
        "merchant/2026-11-27": 0,
        "gateway/sandbox": 0,
    }
    assert (seen(back).amount, seen(back).kind) == (amount, "refund_failure")


@given(
    day=st.dates(date(1970, 1, 1), date(2200, 12, 31)),
    hours=st.integers(0, 23),
)
def test_the_day_of_an_account_is_the_day_in_utc(day: date, hours: int) -> None:
    instant = datetime(day.year, day.month, day.day, hours, 59, tzinfo=UTC)
    account = chart.merchant("usd", instant)
    assert chart.day_of(account.code) == day
    assert account.code.startswith(chart.MERCHANT)


def test_money_is_available_from_its_day_on() -> None:
    accounts = [
        ("merchant/2026-11-19", "usd", -1),
        ("merchant/2026-11-20", "usd", -10),
        ("merchant/2026-11-21", "usd", -100),
    ]
    on = {day: balance(accounts, date(2026, 11, day), "usd") for day in (18, 19, 20, 21, 22)}
    assert [on[day].available["usd"] for day in on] == [0, 1, 11, 111, 111]
    assert [on[day].pending["usd"] for day in on] == [111, 110, 100, 0, 0]


def test_every_currency_shows_in_both_parts_and_the_default_always() -> None:
    shown = balance([("merchant/2026-11-21", "eur", -5)], date(2026, 11, 20), "usd")
    assert shown.available == {"usd": 0, "eur": 0}
    assert shown.pending == {"usd": 0, "eur": 5}
    assert balance([], date(2026, 11, 20), "usd").available == {"usd": 0}


def test_a_balance_may_be_below_zero() -> None:
    """A refund may take more than the day's payments brought."""
    assert balance([("merchant/2026-11-20", "usd", 30)], date(2026, 11, 20), "usd").available == {
        "usd": -30
    }


@given(
    accounts=st.lists(
        st.tuples(
            st.integers(-5, 5).map(
                lambda days: f"merchant/{date(2026, 11, 20) + timedelta(days=days)}"
            ),
            st.sampled_from(["usd", "eur", "jpy"]),
            st.integers(-1000, 1000),
        )
    )
)
def test_available_and_pending_are_all_there_is(accounts: list[tuple[str, str, int]]) -> None:
    shown = balance(accounts, date(2026, 11, 20), "usd")
    for currency in shown.available:
        owed = -sum(debits for _, its, debits in accounts if its == currency)
        assert shown.available[currency] + shown.pending[currency] == owed
