"""Ledger accounts that a caller opens, beside those that payments bring into being."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from guilder_server.kernel.errors import Refused
from guilder_server.kernel.postings import AccountRef, NormalSide
from guilder_server.ledger.domain import chart

NOUN = "ledger account"

Status = Literal["open", "frozen", "closed"]


@dataclass(frozen=True)
class LedgerAccount:
    """`floor` and `ceiling` bound its balance, on its normal side and in minor units."""

    id: str
    version: int
    created: datetime
    code: str
    currency: str
    normal_side: NormalSide
    floor: int | None
    ceiling: int | None
    name: str | None
    metadata: dict[str, str]
    status: Status

    @property
    def ref(self) -> AccountRef:
        """What postings name it by."""
        return AccountRef(
            self.code,
            self.currency,
            self.normal_side,
            self.floor,
            self.ceiling,
            self.id,
            self.created,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with what it holds: `balance` on its normal side, after `entries` entries;
    pending transactions hold `held_debits` and `held_credits`.

    `system` ones belong to payments, which alone post there.
    """

    account: LedgerAccount
    balance: int
    entries: int
    system: bool = False
    held_debits: int = 0
    held_credits: int = 0

    @property
    def fit(self) -> bool:
        """Whether callers may post to it; `refuse_unfit` says why not."""
        return not self.system and self.account.status == "open"

    @property
    def available(self) -> int:
        """What may still leave it: its balance without what is held against it."""
        debits = self.account.normal_side == "debit"
        return self.balance - (self.held_credits if debits else self.held_debits)

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def version(self) -> int:
        return self.account.version

    @property
    def holdings(self) -> Holdings:
        debits = self.account.normal_side == "debit"
        balance = self.balance if debits else -self.balance
        return Holdings(balance, self.entries, self.held_debits, self.held_credits)


@dataclass(frozen=True, slots=True)
class Holdings:
    """An account in the middle of a request: debits less credits, entries, and what is held."""

    balance: int
    entries: int
    held_debits: int
    held_credits: int

    def after(self, amount: int, *, pending: bool) -> Holdings:
        if not pending:
            return replace(self, balance=self.balance + amount, entries=self.entries + 1)
        if amount > 0:
            return replace(self, held_debits=self.held_debits + amount)
        return replace(self, held_credits=self.held_credits - amount)


@dataclass(frozen=True, slots=True)
class AsOf:
    """A balance at an instant, on the account's normal side."""

    account: LedgerAccount
    balance: int
    entries: int
    known_at: datetime | None
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transaction on its account. `amount` is above zero for a debit."""

    account: LedgerAccount
    version: int
    transaction: str
    amount: int
    balance: int
    posted_at: datetime
    effective_at: datetime


def entry_id(account_id: str, version: int) -> str:
    return f"le_{account_id.partition('_')[2]}_{version}"


def version_of(entry: str) -> int | None:
    """The version in an entry's id; None if it is not one."""
    _, _, version = entry.rpartition("_")
    return int(version) if version.isdecimal() and len(version) < 19 else None


def reserved(code: str) -> bool:
    """Whether payments and wallets keep their own accounts under such a code."""
    return any(f"{code}/".startswith(root) for root in chart.RESERVED)


def refuse_unfit(standing: Standing, param: str) -> None:
    """Raise unless callers may post to the account."""
    account = standing.account
    if standing.system:
        raise Refused(
            "ledger_account_system",
            f"{account.code} belongs to payments, which alone post there.",
            param,
        )
    which = f"The ledger account {account.id} ({account.code})"
    if account.status == "frozen":
        raise Refused(
            "ledger_account_frozen",
            f"{which} is frozen and takes no postings. Open it first.",
            param,
        )
    if account.status == "closed":
        raise Refused("ledger_account_closed", f"{which} is closed and takes no postings.", param)
