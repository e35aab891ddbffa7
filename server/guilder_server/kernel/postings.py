"""What a change set says about money: a transaction of signed legs that sums to zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.exchange import Exchange

NormalSide: TypeAlias = Literal["debit", "credit"]


@dataclass(frozen=True, slots=True)
class AccountRef:
    """A ledger account by its name within a tenant; it comes into being when first used.

    `code` is a path such as `merchant/2026-11-20` or `gateway/sandbox`. `floor` is the least
    balance, counted on the normal side and in minor units, that a posting may leave behind, and
    `ceiling` the most; None means that there is no such limit.
    """

    code: str
    currency: str
    normal_side: NormalSide
    floor: int | None = None
    ceiling: int | None = None
    # Given to an account that is opened; one that comes into being by its first use gets its own,
    # and was created when that was committed.
    id: str | None = None
    created: datetime | None = None
    # What messages call it, where its code is not for callers to read.
    called: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transaction. `amount` is in minor units; debits are above zero, credits
    below."""

    account: AccountRef
    amount: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of an account: that it had so many `entries` before; that its balance on the
    normal side is at least so much after, and at most so much, with what is held for it counted;
    that nothing of it is held where it is to be `free`. `param` is what named the account.
    `refusal` is what its caller hears, where the account is none that a caller knows."""

    account: AccountRef
    entries: int | None = None
    least: int | None = None
    most: int | None = None
    free: bool = False
    param: str | None = None
    refusal: Exception | None = None


@dataclass(frozen=True, slots=True)
class LedgerTransaction:
    """Money moving between accounts, all at once; in each currency for itself it sums to zero.

    `kind` is the wire's balance transaction type (`charge`, `refund`, …), `source` the id of
    the object that caused it. `available` is when the merchant may pay the money out. `currency`
    is None where there are several. `effective_at` is when it counts from, where that was before
    it was made. `param` names it in a refusal.
    """

    id: str
    kind: str
    source: str
    created: datetime
    available: datetime
    currency: str | None
    legs: tuple[Leg, ...]
    description: str | None = None
    version: int = 1
    effective_at: datetime | None = None
    reference: str | None = None
    reverses: str | None = None
    metadata: dict[str, str] | None = None
    # As the caller paired them: debited account, credited account, amount.
    pairs: tuple[tuple[str, str, int], ...] | None = None
    exchange: Exchange | None = None
    conditions: tuple[Condition, ...] = ()
    param: str | None = None

    def __post_init__(self) -> None:
        if len(self.legs) < 2:
            raise ValueError(f"{self.id}: a transaction needs two legs, not {len(self.legs)}")
        sums: dict[str, int] = {}
        for leg in self.legs:
            currency = leg.account.currency
            sums[currency] = sums.get(currency, 0) + leg.amount
            if leg.amount == 0 or self.currency not in (None, currency):
                raise ValueError(f"{self.id}: a leg is zero or of another currency: {self.legs}")
        if any(sums.values()):
            raise ValueError(f"{self.id}: debits and credits differ: {self.legs}")


@dataclass(frozen=True, slots=True)
class Holding:
    """Money that is kept for a transaction to come, or let go again: a leg above zero counts as a
    debit that is held on its account, one below as a credit."""

    legs: tuple[Leg, ...]
    released: bool = False
    conditions: tuple[Condition, ...] = ()
    param: str | None = None
