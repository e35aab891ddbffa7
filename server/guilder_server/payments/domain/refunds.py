"""A refund: money on its way back over the card it came from.

pending ─▶ succeeded ─▶ failed (some banks send it back days later)
   ├─────▶ failed
   └─────▶ requires_action ─▶ succeeded, failed or canceled
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.money import Money

Status: TypeAlias = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
Reason: TypeAlias = Literal["duplicate", "fraudulent", "requested_by_customer"]


@dataclass(frozen=True)
class Refund:
    """`balance_transaction_id` is the ledger transaction that took the money from the merchant,
    `failure_balance_transaction_id` the one that brought it back. Without a payment method it goes
    to the wallet that the charge was paid from."""

    id: str
    version: int
    created: datetime
    status: Status
    amount: int
    currency: str
    charge_id: str
    payment_intent_id: str | None = None
    customer_id: str | None = None
    payment_method_id: str | None = None
    balance_transaction_id: str | None = None
    failure_balance_transaction_id: str | None = None
    failure_reason: str | None = None
    reason: Reason | None = None
    reference: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


def succeed(refund: Refund, reference: str) -> Refund:
    return replace(refund, status="succeeded", reference=reference)


def require_action(refund: Refund, reference: str) -> Refund:
    """The customer must say where the money shall go."""
    return replace(refund, status="requires_action", reference=reference)


def fail(refund: Refund, reason: str, transaction_id: str) -> Refund:
    """The money is back with the merchant, by the ledger transaction named."""
    return replace(
        refund,
        status="failed",
        failure_reason=reason,
        failure_balance_transaction_id=transaction_id,
    )


def require_cancelable(refund: Refund) -> None:
    if refund.status != "requires_action":
        raise Refused(
            "status_transition_invalid",
            f"Only a refund that requires action can be canceled; this one is {refund.status}.",
        )


def cancel(refund: Refund, transaction_id: str) -> Refund:
    require_cancelable(refund)
    return replace(refund, status="canceled", failure_balance_transaction_id=transaction_id)
