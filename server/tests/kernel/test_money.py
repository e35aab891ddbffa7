"""Money never mixes currencies, and shows as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.currencies import (
    EXPONENTS,
    MAXIMUM_CHARGE,
    display,
    granularity,
    minimum_charge,
)
from guilder_server.kernel.money import Money

_amounts = st.integers(-(10**12), 10**12)
_currencies = st.sampled_from(sorted(EXPONENTS))


@given(one=_amounts, other=_amounts, currency=_currencies)
def test_money_adds_subtracts_and_compares_as_its_amounts_do(
    one: int, other: int, currency: str
) -> None:
    first, second = Money(one, currency), Money(other, currency)
    assert (first + second).amount == one + other
    assert first + second - second == first
    assert (first < second) == (one < other)
    assert (first <= second) == (one <= other)
    assert (first > second) == (one > other)
    assert (first >= second) == (one >= other)


@pytest.mark.parametrize(
    "mix",
    [
        lambda one, other: one + other,
        lambda one, other: one - other,
        lambda one, other: one < other,
        lambda one, other: one <= other,
        lambda one, other: one > other,
    ],
)
def test_two_currencies_do_not_mix(mix: object) -> None:
    with pytest.raises(ValueError, match="do not mix"):
        mix(Money(1, "usd"), Money(1, "eur"))  # type: ignore[operator]


def test_the_same_amount_in_two_currencies_is_not_equal() -> None:
    assert Money(1, "usd") != Money(1, "eur")


@pytest.mark.parametrize("currency", ["", "USD", "usdollar", "xxx", "btc"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1234, "usd", "12.34 USD"),
        (-1234, "usd", "-12.34 USD"),
        (5, "usd", "0.05 USD"),
        (-5, "usd", "-0.05 USD"),
        (0, "usd", "0.00 USD"),
        (1234, "jpy", "1234 JPY"),
        (-1, "jpy", "-1 JPY"),
        (1234, "kwd", "1.234 KWD"),
        (7, "kwd", "0.007 KWD"),
    ],
)
def test_an_amount_shows_with_the_decimals_of_its_currency(
    amount: int, currency: str, shown: str
) -> None:
    assert display(amount, currency) == str(Money(amount, currency)) == shown


@given(amount=_amounts, currency=_currencies)
def test_what_is_shown_is_the_whole_amount(amount: int, currency: str) -> None:
    number, code = display(amount, currency).split(" ")
    assert code == currency.upper()
    assert int(number.replace(".", "")) == amount


def test_every_currency_is_three_lower_case_letters() -> None:
    assert all(len(one) == 3 and one.isascii() and one.islower() for one in EXPONENTS)
    assert set(EXPONENTS.values()) == {0, 2, 3}


@pytest.mark.parametrize(
    ("currencies", "exponent"),
    [
        ("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf", 0),
        ("bhd jod kwd omr tnd", 3),
        ("usd eur gbp chf huf isk twd ugx", 2),
    ],
)
def test_currencies_have_the_decimals_that_the_wire_gives_them(
    currencies: str, exponent: int
) -> None:
    assert {EXPONENTS[currency] for currency in currencies.split()} == {exponent}


@given(currency=_currencies)
def test_the_least_and_the_greatest_charge_can_be_charged(currency: str) -> None:
    assert 0 < minimum_charge(currency) <= MAXIMUM_CHARGE
    assert minimum_charge(currency) % granularity(currency) == 0


def test_three_decimals_end_in_zero_and_whole_units_in_two() -> None:
    assert {granularity(one) for one in ("bhd", "jod", "kwd", "omr", "tnd")} == {10}
    assert {granularity(one) for one in ("isk", "ugx")} == {100}
    assert {granularity(one) for one in ("usd", "jpy", "huf", "twd")} == {1}
