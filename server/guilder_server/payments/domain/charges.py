"""A charge: one try at a card, and what became of its money.

pending ─▶ succeeded (held, or captured at once) ─▶ captured ─▶ refunded, in parts
   │           └─▶ released, what was not captured of it
   └─────▶ failed
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from guilder_server.kernel.contact import BillingDetails, Shipping
from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import Conflict, Refused
from guilder_server.kernel.money import Money

Status: TypeAlias = Literal["pending", "succeeded", "failed"]

# How long networks keep a hold on a card that was charged without its customer present.
HOLD = timedelta(days=7)


# Where the money of a charge comes from that no gateway was asked for.
WALLET = "wallet"

# What is said of nearly every charge. It is shown with each and stored with none; where it is
# otherwise, `outcome` has the other word.
USUAL_OUTCOME = {
    "type": "authorized",
    "network_status": "approved_by_network",
    "seller_message": "Payment complete.",
}


@dataclass(frozen=True)
class Charge:
    """`amount_refunded` counts refunds on their way too: what they hold cannot be refunded
    again. `top_up_id` is what it brought into a wallet.
    `reference` is the gateway's id of the authorization, `instrument` its token of the
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
    top_up_id: str | None = None
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
    def of_wallet(self) -> bool:
        """Whether it was paid out of a wallet, which `instrument` names."""
        return self.gateway == WALLET

    @property
    def held(self) -> bool:
        """Authorized, and neither captured to the end nor released."""
        return self.status == "succeeded" and not self.captured and not self.released

    @property
    def capturable(self) -> int:
        return self.amount - self.amount_captured if self.held else 0

    @property
    def refundable(self) -> int:
        return self.amount_captured - self.amount_refunded

    @property
    def refunded(self) -> bool:
        """All that it took was given back, or is on its way."""
        return self.captured and self.refundable == 0


def require_idle(charge: Charge) -> None:
    if charge.attempt_id is not None:
        raise Conflict(
            "Another request on this charge is waiting for the payment gateway. "
            "Try again in a moment."
        )


def busy(charge: Charge, attempt_id: str) -> Charge:
    """A gateway is about to be asked something about the charge itself."""
    require_idle(charge)
    return replace(charge, attempt_id=attempt_id)


def idle(charge: Charge) -> Charge:
    return replace(charge, attempt_id=None)


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
    if amount > charge.capturable:
        held = display(charge.capturable, charge.currency)
        raise Refused(
            "amount_too_large",
            f"{display(amount, charge.currency)} cannot be captured: {held} is what is held.",
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


def increment(charge: Charge, amount: int) -> Charge:
    """The issuer holds `amount` in all."""
    return replace(charge, amount=amount)


def release(charge: Charge) -> Charge:
    """What is still held goes back to the customer. What was captured before stays captured,
    and is all that ever will be."""
    return replace(charge, released=True, captured=charge.amount_captured > 0, attempt_id=None)


def require_refundable(charge: Charge, amount: int, param: str = "amount") -> None:
    """Raises unless `amount` of what was captured is still there to refund."""
    if charge.status != "succeeded" or charge.amount_captured == 0:
        raise Refused(
            "charge_not_refundable",
            "This charge has taken no money yet, so there is nothing to refund. "
            "To release an authorization, cancel its PaymentIntent.",
        )
    if charge.refundable == 0:
        raise Refused("charge_already_refunded", f"Charge {charge.id} has already been refunded.")
    if amount > charge.refundable:
        left = display(charge.refundable, charge.currency)
        raise Refused(
            "amount_too_large",
            f"{display(amount, charge.currency)} cannot be refunded: {left} is what is left of "
            "the charge.",
            param,
        )


def refund(charge: Charge, amount: int) -> Charge:
    """`amount` is on its way back to the customer."""
    return replace(charge, amount_refunded=charge.amount_refunded + amount)


def take_back_refund(charge: Charge, amount: int) -> Charge:
    """A refund did not arrive, or was canceled."""
    return replace(charge, amount_refunded=charge.amount_refunded - amount)


def with_fraud_report(charge: Charge, report: str) -> Charge:
    """What the merchant thinks of the payment; an empty report takes it back."""
    return replace(charge, fraud_details={"user_report": report} if report else {})
