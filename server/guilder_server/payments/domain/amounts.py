"""Which amounts may be charged."""

from __future__ import annotations

from guilder_server.kernel.currencies import (
    MAXIMUM_CHARGE,
    display,
    granularity,
    minimum_charge,
)
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.money import Money


def chargeable(amount: int, currency: str, param: str = "amount") -> Money:
    """The money, if a card may be charged with it."""
    if amount < 1:
        raise InvalidRequest(
            "parameter_invalid_integer",
            f"Invalid positive integer: {amount}. Amounts are whole numbers of the currency's "
            "smallest unit, greater than 0.",
            param,
        )
    minimum = minimum_charge(currency)
    if amount < minimum:
        raise InvalidRequest(
            "amount_too_small", f"Amount must be at least {display(minimum, currency)}.", param
        )
    if amount > MAXIMUM_CHARGE:
        raise InvalidRequest(
            "amount_too_large",
            f"Amount must be no more than {display(MAXIMUM_CHARGE, currency)}.",
            param,
        )
    _refuse_uneven(amount, currency, param)
    return Money(amount, currency)


def part(amount: int, currency: str, param: str) -> int:
    """A part of a charge: at least one minor unit, and no smaller part than networks settle."""
    if amount < 1:
        raise InvalidRequest(
            "parameter_invalid_integer",
            f"Invalid positive integer: {amount}. It must be at least 1.",
            param,
        )
    _refuse_uneven(amount, currency, param)
    return amount


def _refuse_uneven(amount: int, currency: str, param: str) -> None:
    step = granularity(currency)
    if amount % step:
        raise InvalidRequest(
            "parameter_invalid_integer",
            f"Amounts in {currency.upper()} must be a multiple of {step}: card networks do not "
            "settle smaller parts.",
            param,
        )
