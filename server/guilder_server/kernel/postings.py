"""What a change set says about money: a transaction of signed legs that sums to zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

NormalSide: TypeAlias = Literal["debit", "credit"]


@dataclass(frozen=True, slots=True)
class AccountRef:
    """A ledger account by its name within a tenant; it comes into being when first used.

    `code` is a path such as `merchant/2026-11-20` or `gateway/sandbox`. `floor` is the least
    balance, counted on the normal side and in minor units, that a posting may leave behind;
    None means that the account may go below zero.
    """

    code: str
    currency: str
    normal_side: NormalSide
    floor: int | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transaction. `amount` is in minor units; debits are above zero, credits
    below."""

    account: AccountRef
    amount: int


@dataclass(frozen=True, slots=True)
class LedgerTransaction:
    """Money moving between accounts of one currency, all at once.

    `kind` is the wire's balance transaction type (`charge`, `refund`, …), `source` the id of
    the object that caused it. `available` is when the merchant may pay the money out.
    """

    id: str
    kind: str
    source: str
    created: datetime
    available: datetime
    currency: str
    legs: tuple[Leg, ...]
    description: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if len(self.legs) < 2:
            raise ValueError(f"{self.id}: a transaction needs two legs, not {len(self.legs)}")
        if sum(leg.amount for leg in self.legs):
            raise ValueError(f"{self.id}: debits and credits differ: {self.legs}")
        if any(leg.amount == 0 or leg.account.currency != self.currency for leg in self.legs):
            raise ValueError(f"{self.id}: a leg is zero or of another currency: {self.legs}")
