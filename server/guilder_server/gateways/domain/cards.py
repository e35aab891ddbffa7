"""Card numbers: what a number alone tells, and what is wrong with a card before any issuer
is asked.

A number and a CVC live in a `RawCard` for the length of one request. They are not in its
`repr`, and no error here quotes them.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from guilder_server.gateways.domain.instruments import Brand
from guilder_server.kernel.errors import CardDeclined
from guilder_server.kernel.ids import base62

FINGERPRINT_LENGTH = 16
LONGEST_VALIDITY_YEARS = 50

# The first digits of each brand's numbers, as inclusive ranges of their own length (ISO/IEC
# 7812 issuer identification numbers), and the lengths its numbers have.
_RANGES: tuple[tuple[Brand, tuple[tuple[str, str], ...], frozenset[int]], ...] = (
    ("amex", (("34", "34"), ("37", "37")), frozenset({15})),
    (
        "diners",
        (("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")),
        frozenset({14, 16}),
    ),
    ("jcb", (("3528", "3589"),), frozenset({16})),
    ("visa", (("4", "4"),), frozenset({13, 16, 19})),
    ("mastercard", (("51", "55"), ("2221", "2720")), frozenset({16})),
    (
        "discover",
        (("6011", "6011"), ("644", "649"), ("65", "65")),
        frozenset({16, 19}),
    ),
    ("unionpay", (("62", "62"), ("81", "81")), frozenset({16, 17, 18, 19})),
)


@dataclass(frozen=True, slots=True)
class RawCard:
    """A card as somebody typed it. Blanks and dashes in the number are as people write it."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str | None = field(default=None, repr=False)

    def digits(self) -> str:
        return self.number.replace(" ", "").replace("-", "")

    def year(self) -> int:
        """Four digits, also where two were typed."""
        return self.exp_year + 2000 if 0 <= self.exp_year < 100 else self.exp_year


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    if not _decimal(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def check_digit(payload: str) -> str:
    """The digit that makes `payload` plus it a valid number."""
    return next(digit for digit in "0123456789" if luhn(payload + digit))


def brand(digits: str) -> Brand:
    """The brand that issues such numbers; `unknown` also where the length does not fit."""
    for name, ranges, lengths in _RANGES:
        if len(digits) in lengths and any(
            low <= digits[: len(low)] <= high for low, high in ranges
        ):
            return name
    return "unknown"


def fingerprint(key: bytes, digits: str) -> str:
    """The same card gives the same word, and without the key the word gives no card.

    Numbers are few enough to try them all, which is why a plain hash would not do.
    """
    digest = hmac.new(key, digits.encode(), hashlib.sha256).digest()
    return base62(int.from_bytes(digest, "big") % 62**FINGERPRINT_LENGTH, FINGERPRINT_LENGTH)


def refuse_malformed(card: RawCard, now: datetime) -> None:
    """Raises the first thing wrong with a card that needs no issuer to be seen."""
    digits = card.digits()
    if not _decimal(digits) or not 12 <= len(digits) <= 19:
        raise CardDeclined(
            "invalid_number", "The card number is not a valid credit card number.", None, "number"
        )
    if not luhn(digits):
        raise CardDeclined(
            "incorrect_number", "Your card number is incorrect.", "incorrect_number", "number"
        )
    if not 1 <= card.exp_month <= 12:
        message = "Your card's expiration month is invalid."
        raise CardDeclined("invalid_expiry_month", message, None, "exp_month")
    if not now.year <= card.year() <= now.year + LONGEST_VALIDITY_YEARS:
        message = "Your card's expiration year is invalid."
        raise CardDeclined("invalid_expiry_year", message, None, "exp_year")
    if (card.year(), card.exp_month) < (now.year, now.month):
        raise CardDeclined("expired_card", "Your card has expired.", "expired_card", "exp_month")
    if card.cvc is not None and not _cvc_fits(card.cvc, brand(digits)):
        message = "Your card's security code is invalid."
        raise CardDeclined("invalid_cvc", message, None, "cvc")


def _cvc_fits(cvc: str, name: Brand) -> bool:
    """Three digits; American Express has four, and takes three as well."""
    return _decimal(cvc) and len(cvc) in ((3, 4) if name == "amex" else (3,))


def _decimal(text: str) -> bool:
    return text.isascii() and text.isdigit()
