"""A payment intent: one payment from the wish to the money, whatever attempts it takes.

    requires_payment_method ─▶ requires_confirmation ─▶ requires_action
              ▲                        │  confirm             │
              └──── declined ──────────┼──────────────────────┘
                                       ▼
                        processing ─▶ requires_capture ─▶ succeeded
                                       │
                             canceled ◀┘ (from every state before succeeded, but processing)

Each function below is one arrow. It refuses with `payment_intent_unexpected_state` when the
intent is not at its beginning, and gives back the intent at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from guilder_server.kernel.contact import Shipping
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


@dataclass(frozen=True, slots=True)
class Intent:
    """`amount_received` is what was captured, `amount_capturable` what is held and may be.

    `attempt_id` names the request to a gateway that is under way; until it is settled nothing
    else may be asked of a gateway for this intent. `authentication` remembers how the
    customer's authentication for `payment_method_id` ended.
    """

    id: str
    version: int
    created: datetime
    status: Status
    amount: int
    currency: str
    client_secret: str
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
    authentication: Literal["none", "succeeded", "failed"] = "none"
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
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def captures_later(self) -> bool:
        return self.capture_method == "manual"

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


def require_action(intent: Intent, next_action: dict[str, Any]) -> Intent:
    """The customer must authenticate before the card can be charged."""
    return replace(
        intent,
        status="requires_action",
        attempt_id=None,
        next_action=next_action,
        last_payment_error=None,
        authentication="none",
    )


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
    return replace(
        intent,
        status="requires_capture",
        attempt_id=None,
        amount_capturable=intent.amount,
        latest_charge_id=charge_id,
        next_action=None,
        last_payment_error=None,
    )


def succeed(intent: Intent, charge_id: str) -> Intent:
    """The money is taken, all at once."""
    return replace(
        intent,
        status="succeeded",
        attempt_id=None,
        amount_received=intent.amount,
        latest_charge_id=charge_id,
        next_action=None,
        last_payment_error=None,
    )


def decline(intent: Intent, error: dict[str, Any], charge_id: str | None) -> Intent:
    """The card was refused: another payment method is needed. The refused one is named in the
    error."""
    return replace(
        intent,
        status="requires_payment_method",
        attempt_id=None,
        payment_method_id=None,
        latest_charge_id=charge_id or intent.latest_charge_id,
        next_action=None,
        last_payment_error=error,
        authentication="none",
    )


def require_capturable(intent: Intent, amount: int) -> None:
    require_state(intent, "captured", ("requires_capture",))
    if amount > intent.amount_capturable:
        raise Refused(
            "amount_too_large",
            f"The amount to capture ({amount}) is greater than what can be captured "
            f"({intent.amount_capturable}).",
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
    return replace(
        intent,
        amount=amount,
        amount_capturable=amount,
        attempt_id=None,
        increments=intent.increments + 1,
    )


def refuse_increment(intent: Intent) -> Intent:
    """The issuer would not raise the hold: it stays as it was, one try is used up."""
    return replace(intent, attempt_id=None, increments=intent.increments + 1)


def cancel(intent: Intent, reason: CancellationReason | None, at: datetime) -> Intent:
    """No further charge will be made; what was held is released."""
    return replace(
        intent,
        status="canceled",
        attempt_id=None,
        amount_capturable=0,
        canceled_at=at,
        cancellation_reason=reason,
        next_action=None,
    )


def for_browser(intent: Intent) -> Intent:
    """What a customer's browser may see of the payment it was given: not whom the merchant
    thinks it is for, nor what the merchant noted on it."""
    return replace(intent, customer_id=None, latest_charge_id=None, metadata={})
