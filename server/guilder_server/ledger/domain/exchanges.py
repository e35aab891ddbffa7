"""Exchanges as callers ask for them: the rate read exactly, and held against what is moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import assert_never

from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.kernel.exchange import Exchange, Rounding, bought_for

# Of each side of a rate, in lowest terms: what a 64-bit integer holds.
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Quote:
    """`rate` is a decimal (`1.0837`) or a ratio (`13/12`): whole units of the currency that is
    bought for each whole unit of the one that is sold."""

    rate: str
    sold: str
    bought: str
    rounding: Rounding | None = None


def exchange(quote: Quote, moved: Mapping[str, int], param: Callable[[str], str]) -> Exchange:
    """What `quote` says of a transaction that moves so much of each currency. Raises what does
    not agree; `param` gives the full name of a parameter."""
    rate = _rate(quote.rate, param("exchange[rate]"))
    if len(moved) != 2 or set(moved) != {quote.sold, quote.bought}:
        raise Refused(
            "ledger_exchange_currencies",
            f"An exchange has postings in two currencies, here {quote.sold} and {quote.bought}. "
            f"These are in {', '.join(sorted(moved))}.",
            param("exchange"),
        )
    sold, bought = moved[quote.sold], moved[quote.bought]
    exact = bought_for(sold, rate, quote.sold, quote.bought)
    told = (
        f"{display(sold, quote.sold)} at {quote.rate} is exactly {_written(exact)} in minor units "
        f"of {quote.bought}, and the postings buy {bought} ({display(bought, quote.bought)})."
    )
    if exact.denominator != 1 and quote.rounding is None:
        raise Refused(
            "ledger_exchange_inexact",
            f"{told} Say with rounding how the one becomes the other.",
            param("exchange[rounding]"),
        )
    if bought != rounded(exact, quote.rounding):
        how = f", rounded {quote.rounding}" if quote.rounding is not None else ""
        raise Refused(
            "ledger_exchange_mismatch",
            f"{told} It should be {rounded(exact, quote.rounding)}{how}.",
            param("exchange[rate]"),
        )
    sides = rate.numerator, rate.denominator
    return Exchange(quote.sold, quote.bought, sold, bought, *sides, quote.rounding)


def rounded(amount: Fraction, rounding: Rounding | None) -> int:
    """A whole amount out of one that is above zero; without `rounding` it is whole already."""
    match rounding:
        case None | "down":
            return math.floor(amount)
        case "up":
            return math.ceil(amount)
        case "half_even":
            return round(amount)
    assert_never(rounding)


def _rate(text: str, param: str) -> Fraction:
    _, slash, below = text.partition("/")
    if not slash or int(below):
        rate = Fraction(text)
        if rate > 0 and max(rate.numerator, rate.denominator) < 10**MOST_DIGITS:
            return rate
    raise InvalidRequest(
        "parameter_invalid",
        f"Invalid rate: {text}. It must be above zero, and as a ratio in lowest terms have at most "
        f"{MOST_DIGITS} digits on each side.",
        param,
    )


def _written(amount: Fraction) -> str:
    """As a decimal if it has an end, else as a ratio."""
    rest = amount.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return f"{amount.numerator}/{amount.denominator}"
    with localcontext() as context:
        context.prec = 100
        return f"{Decimal(amount.numerator) / Decimal(amount.denominator):f}"
