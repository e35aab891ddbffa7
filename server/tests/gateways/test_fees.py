from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.gateways.domain.fees import STANDARD, FeeSchedule
from guilder_server.kernel.currencies import EXPONENTS, MAXIMUM_CHARGE
from guilder_server.kernel.money import Money

amounts = st.integers(0, MAXIMUM_CHARGE)
currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [
        (2000, "usd", 88),  # 58 + 30
        (50, "usd", 31),  # 1.45 rounds to 1
        (500, "usd", 45),  # 14.5 rounds up to 15
        (1500, "usd", 74),  # 43.5 rounds up to 44, not to the even 44 by luck:
        (2500, "usd", 103),  # 72.5 rounds up to 73, where half-even says 72
        (20, "usd", 20),  # never more than the amount
        (0, "usd", 0),
        (1000, "jpy", 59),  # 29 + 30 yen
        (10000, "kwd", 590),  # 290 + 0.300 dinars
    ],
)
def test_the_standard_fee(amount: int, currency: str, fee: int) -> None:
    assert STANDARD.of(Money(amount, currency)) == Money(fee, currency)


@given(amounts, currencies)
def test_a_fee_is_never_negative_nor_more_than_the_amount(amount: int, currency: str) -> None:
    assert 0 <= STANDARD.of(Money(amount, currency)).amount <= amount


@given(amounts, amounts, currencies)
def test_more_money_never_costs_less(one: int, other: int, currency: str) -> None:
    low, high = sorted((one, other))
    assert STANDARD.of(Money(low, currency)) <= STANDARD.of(Money(high, currency))


@given(amounts, st.decimals(0, 1, places=4))
def test_the_rate_is_exact_to_half_a_minor_unit(amount: int, rate: Decimal) -> None:
    fee = FeeSchedule(rate, fixed=0).of(Money(amount, "usd")).amount
    exact = Fraction(rate) * amount
    assert -Fraction(1, 2) < fee - exact <= Fraction(1, 2)
