"""Pending transactions: money that is held until it is posted, let go, or time is up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.postings import Holding, LedgerTransaction

Status = Literal["pending", "posted", "voided", "expired"]
Pair = tuple[str, str, int]


@dataclass(frozen=True)
class Hold:
    """`pairs` are what is held: debited account, credited account, amount. Once it is posted, in
    full or in part, the transaction stands in the ledger under the same id."""

    id: str
    version: int
    created: datetime
    status: Status
    pairs: list[Pair]
    description: str | None
    reference: str | None
    metadata: dict[str, str]
    expires_at: datetime | None
    exchange: Exchange | None


@dataclass(frozen=True)
class Reference:
    """A caller's word (`id`) for a transaction."""

    id: str
    version: int
    created: datetime
    transaction_id: str


def held(transaction: LedgerTransaction, expires_at: datetime | None) -> Hold:
    """What holds the money of a transaction to come."""
    assert transaction.pairs is not None
    return Hold(
        transaction.id,
        1,
        transaction.created,
        "pending",
        list(transaction.pairs),
        transaction.description,
        transaction.reference,
        transaction.metadata or {},
        expires_at,
        transaction.exchange,
    )


def holding(transaction: LedgerTransaction, *, released: bool = False) -> Holding:
    conditions = () if released else transaction.conditions
    return Holding(transaction.legs, released, conditions, transaction.param)


def ended(hold: Hold, status: Status) -> Hold:
    return replace(hold, status=status)


def refuse_ended(hold: Hold, now: datetime) -> None:
    """Raise unless it still holds money."""
    status = hold.status
    if status == "pending" and hold.expires_at is not None and hold.expires_at <= now:
        status = "expired"
    if status != "pending":
        raise Refused(
            "ledger_transaction_unexpected_state",
            f"The ledger transaction {hold.id} is {status}; only one that is pending can be "
            "posted or voided.",
            "transaction",
        )


def posted_amounts(hold: Hold, amount: int | None) -> list[int]:
    """How much of each posting is posted; the rest is let go."""
    held = [one for _, _, one in hold.pairs]
    if amount is None:
        return held
    if len(held) > 1:
        raise Refused(
            "parameter_invalid",
            "A transaction with several postings is posted as a whole. Leave amount out.",
            "amount",
        )
    if amount > held[0]:
        raise Refused(
            "ledger_amount_too_large",
            f"Only {held[0]} is held by this transaction; it cannot post more.",
            "amount",
        )
    return [amount]
