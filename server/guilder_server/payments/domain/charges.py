"""A charge: one try at a card, and what became of its money.

    pending ─▶ succeeded (held, or captured at once) ─▶ captured ─▶ refunded, in parts
       └─────▶ failed
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from guilder_server.kernel.contact import BillingDetails, Shipping
from guilder_server.kernel.errors import Conflict, Refused
from guilder_server.kernel.money import Money

Status: TypeAlias = Literal["pending", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Charge:
    """`amount_refunded` counts refunds on their way too: what they hold cannot be refunded
    again. `reference` is the gateway's id of the authorization, `instrument` its token of the
    card. `card` is what the card's details were at the time, `outcome` what the gateway said.
    """

    id: str
    version: int
    created: datetime
    status: Status
    amount: int
    currency: str
    gateway: str
    instrument: str
    card: dict[str, Any]
    outcome: dict[str, Any] | None = None
    amount_captured: int = 0
    amount_refunded: int = 0
    captured: bool = False
    released: bool = False
    payment_intent_id: str | None = None
    customer_id: str | None = None
    payment_method_id: str | None = None
    balance_transaction_id: str | None = None
    reference: str | None = None
    attempt_id: str | None = None
    capture_before: datetime | None = None
    available: datetime | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None
    billing_details: BillingDetails | None = None
    shipping: Shipping | None = None
    fraud_details: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def held(self) -> bool:
        """Authorized, neither captured nor released."""
        return self.status == "succeeded" and not self.captured and not self.released

    @property
    def refunded(self) -> bool:
        return self.captured and self.amount_refunded >= self.amount_captured

    @property
    def refundable(self) -> int:
        return self.amount_captured - self.amount_refunded


def require_idle(charge: Charge) -> None:
    if charge.attempt_id is not None:
        raise Conflict(
            "Another request on this charge is waiting for the payment gateway. "
            "Try again in a moment."
        )


def require_capturable(charge: Charge, amount: int) -> None:
    if charge.captured:
        raise Refused("charge_already_captured", "This charge has already been captured.")
    if charge.released:
        raise Refused(
            "charge_expired_for_capture",
            "The money that this charge held has been released; it can no longer be captured.",
        )
    if not charge.held:
        raise Refused(
            "capture_unauthorized_payment",
            f"This charge holds no money that could be captured: it is {charge.status}.",
        )
    require_idle(charge)
    if amount > charge.amount:
        raise Refused(
            "amount_too_large",
            f"The amount to capture ({amount}) is greater than what is held ({charge.amount}).",
            "amount",
        )


def capture(charge: Charge, amount: int, final: bool, transaction_id: str) -> Charge:
    """`amount` more is taken. The first capture's ledger transaction stays the charge's own."""
    total = charge.amount_captured + amount
    return replace(
        charge,
        attempt_id=None,
        amount_captured=total,
        captured=final or total == charge.amount,
        balance_transaction_id=charge.balance_transaction_id or transaction_id,
    )


def release(charge: Charge) -> Charge:
    """The hold is given up and the customer's money with it."""
    return replace(charge, released=True, attempt_id=None)


def require_refundable(charge: Charge, amount: int, param: str = "amount") -> None:
    """Raises unless `amount` of what was captured is still there to refund."""
    if charge.status != "succeeded" or charge.amount_captured == 0:
        raise Refused(
            "charge_not_refundable",
            "This charge has taken no money yet, so there is nothing to refund. "
            "To release an authorization, cancel its PaymentIntent.",
        )
    if charge.refundable == 0:
        raise Refused(
            "charge_already_refunded", f"Charge {charge.id} has already been refunded."
        )
    if amount > charge.refundable:
        raise Refused(
            "amount_too_large",
            f"Refund amount ({Money(amount, charge.currency)}) is greater than the unrefunded "
            f"amount on the charge ({Money(charge.refundable, charge.currency)}).",
            param,
        )


def refund(charge: Charge, amount: int) -> Charge:
    """`amount` is on its way back to the customer."""
    return replace(charge, amount_refunded=charge.amount_refunded + amount)


def take_back_refund(charge: Charge, amount: int) -> Charge:
    """A refund did not arrive, or was canceled."""
    return replace(charge, amount_refunded=charge.amount_refunded - amount)
