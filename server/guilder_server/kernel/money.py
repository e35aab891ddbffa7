"""Money is an integer of a currency's minor unit, never without that currency."""

from __future__ import annotations

from dataclasses import dataclass

from guilder_server.kernel import currencies


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in the minor unit of `currency` (lower-case ISO 4217)."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in currencies.EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __str__(self) -> str:
        return currencies.display(self.amount, self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.amount
