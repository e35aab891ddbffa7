"""What a number tells, and what is refused before any issuer is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.gateways import RawCard
from guilder_server.gateways.domain import cards
from guilder_server.kernel.errors import CardDeclined
from tests.gateways.asking import NOW

digits = st.text("0123456789", min_size=11, max_size=18)


@given(digits)
def test_exactly_one_check_digit_makes_a_number_valid(payload: str) -> None:
    valid = [digit for digit in "0123456789" if cards.luhn(payload + digit)]
    assert valid == [cards.check_digit(payload)]


@given(digits, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(payload: str, place: int, by: int) -> None:
    number = payload + cards.check_digit(payload)
    place %= len(number)
    wrong = str((int(number[place]) + by) % 10)
    assert not cards.luhn(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize("text", ["", "4242 4242", "424242424242424a", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "4²"])
def test_only_ascii_digits_are_a_number(text: str) -> None:
    assert not cards.luhn(text)


BRANDS: dict[str, tuple[str, int]] = {
    "visa": ("4", 16),
    "amex": ("34", 15),
    "mastercard": ("2221", 16),
    "discover": ("644", 16),
    "diners": ("36", 14),
    "jcb": ("3528", 16),
    "unionpay": ("62", 19),
}


@pytest.mark.parametrize("brand", BRANDS)
@given(rest=st.text("0123456789", min_size=20, max_size=20))
def test_a_brand_is_known_by_its_first_digits_and_length(brand: str, rest: str) -> None:
    start, length = BRANDS[brand]
    number = (start + rest)[:length]
    assert cards.brand(number) == brand
    assert cards.brand(number + "0" * 9) == "unknown"


@pytest.mark.parametrize(
    ("first_digits", "brand"),
    [
        ("2220", "unknown"), ("2720", "mastercard"), ("2721", "unknown"), ("50", "unknown"),
        ("51", "mastercard"), ("55", "mastercard"), ("56", "unknown"), ("3527", "unknown"),
        ("3589", "jcb"), ("3590", "unknown"), ("643", "unknown"), ("649", "discover"),
        ("300", "diners"), ("305", "diners"), ("306", "unknown"), ("3095", "diners"),
    ],
)  # fmt: skip
def test_the_ends_of_a_brands_ranges_are_its_own(first_digits: str, brand: str) -> None:
    assert cards.brand(first_digits.ljust(16, "0")) == brand


GOOD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "4242"}, "invalid_number", "number"),
        ({"number": "4242424242424242x"}, "invalid_number", "number"),
        ({"number": ""}, "invalid_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_month": 0}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2025}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 95}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": -1}, "invalid_expiry_year", "exp_year"),
        ({"exp_month": 10, "exp_year": 2026}, "expired_card", "exp_month"),
        ({"cvc": "99"}, "invalid_cvc", "cvc"),
        ({"cvc": "1234"}, "invalid_cvc", "cvc"),
        ({"cvc": ""}, "invalid_cvc", "cvc"),
        ({"cvc": "12a"}, "invalid_cvc", "cvc"),
    ],
)
def test_a_card_that_cannot_exist_is_refused_naming_what_is_wrong(
    change: dict[str, object], code: str, param: str
) -> None:
    card = RawCard(**{**GOOD, **change})  # type: ignore[arg-type]
    with pytest.raises(CardDeclined) as refusal:
        cards.refuse_malformed(card, NOW)
    assert (refusal.value.code, refusal.value.param) == (code, param)


@pytest.mark.parametrize(
    "change",
    [
        {"exp_month": 11, "exp_year": 2026},
        {"exp_year": 30},
        {"cvc": None},
        {"number": "4242 4242-4242 4242"},
        {"number": "378282246310005", "cvc": "1234"},
    ],
)
def test_a_card_that_may_exist_is_let_through(change: dict[str, object]) -> None:
    cards.refuse_malformed(RawCard(**{**GOOD, **change}), NOW)  # type: ignore[arg-type]


@given(digits, st.text("0123456789", min_size=3, max_size=4))
def test_a_raw_card_never_shows_its_number_or_cvc(payload: str, cvc: str) -> None:
    number = payload + cards.check_digit(payload)
    card = RawCard(number, 99, 9999, cvc)
    assert repr(card) == str(card) == "RawCard(exp_month=99, exp_year=9999)"
    with pytest.raises(CardDeclined) as refusal:
        cards.refuse_malformed(card, NOW)
    assert number not in repr(refusal.value)


@given(digits, digits)
def test_a_fingerprint_is_of_the_card_and_of_the_key(one: str, other: str) -> None:
    mine = cards.fingerprint(b"key", one)
    assert mine == cards.fingerprint(b"key", one)
    assert (mine == cards.fingerprint(b"key", other)) == (one == other)
    assert mine != cards.fingerprint(b"another key", one)
    assert len(mine) == 16
    assert mine.isalnum()
