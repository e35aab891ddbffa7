"""One currency for another, at an exact rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from guilder_server.kernel.currencies import EXPONENTS

Rounding: TypeAlias = Literal["up", "down", "half_even"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a transaction sold and what it bought, in minor units of each. `numerator` over
    `denominator`, in lowest terms, is the rate: whole units bought for each whole unit sold.
    Without `rounding` the rate gives the amount to the last minor unit."""

    sold: str
    bought: str
    sold_amount: int
    bought_amount: int
    numerator: int
    denominator: int
    rounding: Rounding | None = None

    @property
    def residue(self) -> Fraction:
        """What rounding kept of the exact amount, in minor units of what was bought; below zero
        what it gave."""
        rate = Fraction(self.numerator, self.denominator)
        return bought_for(self.sold_amount, rate, self.sold, self.bought) - self.bought_amount


def bought_for(amount: int, rate: Fraction, sold: str, bought: str) -> Fraction:
    """What `amount` minor units buy, exactly, in minor units of `bought`."""
    return amount * rate * Fraction(10) ** (EXPONENTS[bought] - EXPONENTS[sold])
