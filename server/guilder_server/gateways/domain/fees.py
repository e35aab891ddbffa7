"""What a payment costs: a rate of the amount plus a fixed part, never more than the amount."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from guilder_server.kernel.currencies import EXPONENTS
from guilder_server.kernel.money import Money


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """`rate` of the amount, rounded half up to the minor unit, plus `fixed` hundredths of the
    currency's unit: 0.30 in dollars, 0.300 in dinars.

    Where a currency has no decimals its unit is worth about a cent, so the fixed part is
    `fixed` whole units: 30 yen. Where charges come in steps of several minor units (dinars end
    in 0, forints in 00) the fee is not stepped: it is never charged to a card.
    """

    rate: Decimal
    fixed: int

    def of(self, money: Money) -> Money:
        share = (money.amount * self.rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Money(min(money.amount, int(share) + self._fixed(money.currency)), money.currency)

    def _fixed(self, currency: str) -> int:
        return self.fixed * 10 if EXPONENTS[currency] == 3 else self.fixed


STANDARD = FeeSchedule(rate=Decimal("0.029"), fixed=30)
