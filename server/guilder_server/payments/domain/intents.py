"""A payment intent: one payment from the wish to the money, whatever attempts it takes.

    requires_payment_method ─▶ requires_confirmation ─▶ requires_action
              ▲                        │  confirm             │
              └──── declined ──────────┼──────────────────────┘
                                       ▼
                        processing ─▶ requires_capture ─▶ succeeded
                                       │
                             canceled ◀┘ (from every state before succeeded, but processing)

Each function below is one arrow. Those that a caller may ask for at the wrong time refuse with
`payment_intent_unexpected_state`; the others follow a gateway's answer, and the intent was held
for that answer by its `attempt_id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from guilder_server.kernel.contact import Shipping
from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import Conflict, Refused
from guilder_server.kernel.money import Money

Status: TypeAlias = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]
CaptureMethod: TypeAlias = Literal["automatic", "automatic_async", "manual"]
ConfirmationMethod: TypeAlias = Literal["automatic", "manual"]
CancellationReason: TypeAlias = Literal[
    "duplicate",
    "fraudulent",
    "requested_by_customer",
    "abandoned",
    "automatic",
    "failed_invoice",
    "void_invoice",
    "expired",
]
FutureUsage: TypeAlias = Literal["on_session", "off_session"]


@dataclass(frozen=True)
class Intent:
    """`amount_received` is what was captured, `amount_capturable` what is held and may be.

    `attempt_id` names the request to a gateway that is under way; until it is settled nothing
    else may be asked of a gateway for this intent. `authentication` remembers how the
    customer's authentication for `payment_method_id` ended, `authenticated_amount` what of the
    amount it was for. `increments` counts the tries to
    raise the hold, also those that were refused.

    `top_up_wallet_id` is the wallet that the money goes into. `wallet_id` is one that
    `wallet_amount` of it comes from, or, where that is None, as much as there is; its part is set
    aside in `wallet_hold_id` while the rest is asked for, and is `wallet_charge_id` in the end.
    """

    id: str
    version: int
    created: datetime
    status: Status
    amount: int
    currency: str
    secret: str
    payment_method_types: list[str]
    allowed_payment_method_types: list[str] | None = None
    capture_method: CaptureMethod = "automatic_async"
    confirmation_method: ConfirmationMethod = "automatic"
    amount_capturable: int = 0
    amount_received: int = 0
    customer_id: str | None = None
    payment_method_id: str | None = None
    latest_charge_id: str | None = None
    attempt_id: str | None = None
    top_up_wallet_id: str | None = None
    wallet_id: str | None = None
    wallet_amount: int | None = None
    wallet_hold_id: str | None = None
    wallet_charge_id: str | None = None
    authentication: Literal["none", "succeeded", "failed"] = "none"
    authenticated_amount: int | None = None
    increments: int = 0
    canceled_at: datetime | None = None
    cancellation_reason: CancellationReason | None = None
    description: str | None = None
    receipt_email: str | None = None
    setup_future_usage: FutureUsage | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None
    return_url: str | None = None
    automatic_payment_methods: dict[str, Any] | None = None
    payment_method_options: dict[str, Any] | None = None
    shipping: Shipping | None = None
    next_action: dict[str, Any] | None = None
    last_payment_error: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def client_secret(self) -> str:
        """What the customer's browser shows. The id is in it, and is kept once."""
        return f"{self.id}_secret_{self.secret}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def captures_later(self) -> bool:
        """What is said for cards goes before what is said for the payment as a whole."""
        return "manual" in (self.card_option("capture_method"), self.capture_method)

    @property
    def future_usage(self) -> FutureUsage | None:
        """Whether the card is to be kept, and for payments with or without its customer."""
        for_cards: FutureUsage | Literal["none"] | None = self.card_option("setup_future_usage")
        if for_cards is None:
            return self.setup_future_usage
        return None if for_cards == "none" else for_cards

    @property
    def stays_in_place(self) -> bool:
        """The customer is not to be sent to another page and back."""
        return (self.automatic_payment_methods or {}).get("allow_redirects") == "never"

    def card_option(self, name: str) -> Any:
        return ((self.payment_method_options or {}).get("card") or {}).get(name)


BEFORE_CONFIRMATION: tuple[Status, ...] = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
)
CANCELABLE: tuple[Status, ...] = (*BEFORE_CONFIRMATION, "requires_capture")
MOST_INCREMENTS = 10


def require_state(intent: Intent, verb: str, allowed: tuple[Status, ...]) -> None:
    """Raises unless the intent stands in one of `allowed`, and no gateway is being asked."""
    if intent.status not in allowed:
        listed = ", ".join(allowed)
        raise Refused(
            "payment_intent_unexpected_state",
            f"This PaymentIntent cannot be {verb} because it has the status {intent.status}. "
            f"Only a PaymentIntent with one of these statuses can be: {listed}.",
            subject=intent,
        )
    require_idle(intent)


def require_idle(intent: Intent) -> None:
    if intent.attempt_id is not None:
        raise Conflict(
            "Another request on this PaymentIntent is waiting for the payment gateway. "
            "Try again in a moment."
        )


def with_method(intent: Intent, payment_method_id: str | None) -> Intent:
    """Set or take away the payment method, before the confirmation."""
    status: Status = "requires_confirmation" if payment_method_id else "requires_payment_method"
    if payment_method_id == intent.payment_method_id and intent.status == status:
        return intent
    return _before_confirmation(intent, status, payment_method_id)


def with_money(intent: Intent, money: Money) -> Intent:
    """Another amount or currency. Whatever the customer agreed to with their bank was the
    former one, so it is to be confirmed again."""
    if money == intent.money:
        return intent
    status = "requires_confirmation" if intent.status == "requires_action" else intent.status
    changed = replace(intent, amount=money.amount, currency=money.currency)
    return _before_confirmation(changed, status, intent.payment_method_id)


def _before_confirmation(intent: Intent, status: Status, payment_method_id: str | None) -> Intent:
    return replace(
        intent,
        status=status,
        payment_method_id=payment_method_id,
        next_action=None,
        authentication="none",
    )


def asking(intent: Intent, attempt_id: str) -> Intent:
    """A gateway is about to be asked to authorize; nothing else may happen meanwhile."""
    return replace(
        intent,
        status="processing",
        attempt_id=attempt_id,
        next_action=None,
        last_payment_error=None,
    )


def busy(intent: Intent, attempt_id: str) -> Intent:
    """A gateway is about to be asked something that leaves the status as it is."""
    require_idle(intent)
    return replace(intent, attempt_id=attempt_id)


def idle(intent: Intent) -> Intent:
    return replace(intent, attempt_id=None)


def require_action(intent: Intent, next_action: dict[str, Any], amount: int) -> Intent:
    """The customer must authenticate before the card can be charged with `amount`."""
    return replace(
        intent,
        status="requires_action",
        attempt_id=None,
        wallet_hold_id=None,
        next_action=next_action,
        last_payment_error=None,
        authentication="none",
        authenticated_amount=amount,
    )


def agreed_to(intent: Intent, amount: int) -> Literal["none", "succeeded", "failed"]:
    """How the customer's authentication for charging the card with `amount` ended: what they
    agreed to was no more than they were shown."""
    most = intent.authenticated_amount
    if intent.authentication == "succeeded" and most is not None and amount > most:
        return "none"
    return intent.authentication


def authenticated(intent: Intent, succeeded: bool) -> Intent:
    """The customer has been with their bank."""
    require_state(intent, "authenticated", ("requires_action",))
    return replace(
        intent,
        status="requires_confirmation",
        next_action=None,
        authentication="succeeded" if succeeded else "failed",
    )


def authorize(intent: Intent, charge_id: str) -> Intent:
    """The money is held, to be captured later."""
    held = replace(intent, status="requires_capture", amount_capturable=intent.amount)
    return _charged(held, charge_id)


def succeed(intent: Intent, charge_id: str) -> Intent:
    """The money is taken, all at once."""
    return _charged(replace(intent, status="succeeded", amount_received=intent.amount), charge_id)


def _charged(intent: Intent, charge_id: str) -> Intent:
    return replace(
        intent,
        attempt_id=None,
        wallet_hold_id=None,
        latest_charge_id=charge_id,
        next_action=None,
        last_payment_error=None,
    )


def decline(intent: Intent, error: dict[str, Any], charge_id: str | None) -> Intent:
    """The card was refused: another payment method is needed. The refused one is named in the
    error. `charge_id` is None where it did not come to a charge."""
    return replace(
        intent,
        status="requires_payment_method",
        attempt_id=None,
        wallet_hold_id=None,
        payment_method_id=None,
        latest_charge_id=charge_id or intent.latest_charge_id,
        next_action=None,
        last_payment_error=error,
        authentication="none",
    )


def require_capturable(intent: Intent, amount: int) -> None:
    require_state(intent, "captured", ("requires_capture",))
    if amount > intent.amount_capturable:
        held = display(intent.amount_capturable, intent.currency)
        raise Refused(
            "amount_too_large",
            f"{display(amount, intent.currency)} cannot be captured: {held} is what is held.",
            "amount_to_capture",
            subject=intent,
        )


def capture(intent: Intent, amount: int, final: bool) -> Intent:
    """`amount` of the hold is taken; the rest is released if `final`."""
    done = final or amount == intent.amount_capturable
    return replace(
        intent,
        status="succeeded" if done else "requires_capture",
        attempt_id=None,
        amount_received=intent.amount_received + amount,
        amount_capturable=0 if done else intent.amount_capturable - amount,
    )


def require_incrementable(intent: Intent, amount: int) -> None:
    require_state(intent, "incremented", ("requires_capture",))
    if intent.amount_received:
        raise Refused(
            "payment_intent_unexpected_state",
            "A part of this PaymentIntent has been captured; what is held for it can no longer be "
            "raised.",
            subject=intent,
        )
    if amount <= intent.amount:
        raise Refused(
            "parameter_invalid_integer",
            f"The new amount must be greater than the present one ({intent.amount}).",
            "amount",
            subject=intent,
        )
    if intent.increments >= MOST_INCREMENTS:
        raise Refused(
            "payment_intent_unexpected_state",
            f"An authorization can be incremented {MOST_INCREMENTS} times at most.",
            subject=intent,
        )


def increment(intent: Intent, amount: int) -> Intent:
    """The hold is raised to `amount` in all."""
    raised = replace(intent, amount=amount, amount_capturable=amount)
    return refuse_increment(raised)


def refuse_increment(intent: Intent) -> Intent:
    """The issuer would not raise the hold: it stays as it was, one try is used up."""
    return replace(intent, attempt_id=None, increments=intent.increments + 1)


def cancel(intent: Intent, reason: CancellationReason | None, at: datetime) -> Intent:
    """No further charge will be made. What was held is released; what was captured stays."""
    return replace(
        intent,
        status="canceled",
        attempt_id=None,
        amount_capturable=0,
        canceled_at=at,
        cancellation_reason=reason,
        next_action=None,
    )
