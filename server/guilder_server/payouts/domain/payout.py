"""A payout: money of a wallet that is sent to a bank.

pending ─▶ in_transit ─▶ paid ─▶ failed (banks send money back days later)
   ├─────────────┴─────────────▶ failed
   └─▶ canceled
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import payout_granularity
from guilder_server.kernel.errors import Conflict, InvalidRequest, Refused
from guilder_server.kernel.money import Money

NOUN = "payout"

Status: TypeAlias = Literal["pending", "in_transit", "paid", "failed", "canceled"]
Method: TypeAlias = Literal["standard", "instant"]

_NEXT: dict[Status, tuple[Status, ...]] = {
    "pending": ("in_transit", "failed", "canceled"),
    "in_transit": ("paid", "failed"),
    "paid": ("failed",),
    "failed": (),
    "canceled": (),
}


@dataclass(frozen=True)
class Payout:
    """`attempt_id` is the request to the gateway. `counted`: it was counted against the wallet's
    limits on the day on which it was created. `arrival` is when the money is expected at the bank,
    and `ask_after` when the gateway may know more; None: it has said its last word, or was not
    asked. `kept_by` is the ledger transaction that gave the merchant what came back, because the
    wallet had been closed."""

    id: str
    version: int
    created: datetime
    status: Status
    amount: int
    currency: str
    wallet_id: str
    counted: bool
    gateway: str
    method: Method
    attempt_id: str
    transaction_id: str
    arrival: datetime
    destination: str | None = None
    reference: str | None = None
    ask_after: datetime | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    kept_by: str | None = None
    statement_descriptor: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def counted_on(self) -> datetime | None:
        return self.created if self.counted else None


def refuse_uneven(amount: int, currency: str) -> None:
    """Raise for an amount that banks do not settle to the last digit."""
    step = payout_granularity(currency)
    if amount % step:
        raise InvalidRequest(
            "parameter_invalid_integer",
            f"Payouts in {currency.upper()} must be a multiple of {step}: banks do not settle "
            "smaller parts.",
            "amount",
        )


def refuse_unstoppable(payout: Payout) -> None:
    """Raise unless it may still be canceled."""
    if payout.status != "pending":
        raise not_canceled(payout)


def not_canceled(payout: Payout) -> Refused:
    said = f"The payout {payout.id} is {payout.status}; only one that is pending can be canceled."
    if payout.status == "pending":
        said = (
            f"The gateway {payout.gateway} could not stop the payout {payout.id}: it may have been "
            "sent already. Look at it again in a moment."
        )
    return Refused("payout_unexpected_state", said, NOUN)


def being_asked(payout: Payout) -> Conflict:
    return Conflict(
        f"The gateway {payout.gateway} is being asked about the payout {payout.id} right now. "
        "Please try again in a moment."
    )


def send(payout: Payout, reference: str, arrival: datetime) -> Payout:
    """The gateway has taken it on."""
    return replace(
        _moved(payout, "in_transit"), reference=reference, arrival=arrival, ask_after=arrival
    )


def arrive(payout: Payout, ask_after: datetime | None) -> Payout:
    return replace(_moved(payout, "paid"), ask_after=ask_after)


def fail(payout: Payout, code: str, message: str) -> Payout:
    failed = _moved(payout, "failed")
    return replace(failed, failure_code=code, failure_message=message, ask_after=None)


def cancel(payout: Payout) -> Payout:
    return _moved(payout, "canceled")


def ask_later(payout: Payout, at: datetime | None) -> Payout:
    return replace(payout, ask_after=at)


def _moved(payout: Payout, status: Status) -> Payout:
    if status not in _NEXT[payout.status]:
        raise Conflict(f"The payout {payout.id} is {payout.status} and cannot become {status}.")
    return replace(payout, status=status)
