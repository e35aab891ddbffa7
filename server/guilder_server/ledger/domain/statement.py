"""Statements: what an account held before, what was posted there, and what it held after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from guilder_server.ledger.domain.account import LedgerAccount

Basis = Literal["known", "effective"]


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to `end`, without that. An entry belongs to it by when it was posted
    (`known`) or by when it counts from (`effective`)."""

    start: datetime
    end: datetime
    basis: Basis = "known"


@dataclass(frozen=True, slots=True)
class Statement:
    """Its sums, in minor units; `opening` and `closing` are balances on the normal side."""

    account: LedgerAccount
    period: Period
    opening: int
    closing: int
    debits: int
    credits: int
    entries: int


@dataclass(frozen=True, slots=True)
class Line:
    """An entry on a statement. `amount` is above zero for a debit; `balance` is that on the
    statement after it, on the normal side. `account` is the id of its account, `kind` why it was
    posted."""

    account: str
    version: int
    posted_at: datetime
    effective_at: datetime
    transaction: str
    kind: str
    description: str | None
    reference: str | None
    amount: int
    balance: int
