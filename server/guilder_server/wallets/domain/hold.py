"""A hold: money of a wallet that is set aside until it is captured, let go, or time is up.

held ─▶ captured, once or in parts; what is not captured is let go
  ├───▶ released
  └───▶ expired
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import Refused
from guilder_server.wallets.domain.wallet import Wallet

NOUN = "wallet hold"

Status: TypeAlias = Literal["held", "captured", "released", "expired"]


@dataclass(frozen=True)
class Hold:
    """`amount_held` is what is still set aside. What is captured goes to the wallet
    `destination_id`, or to the merchant where that is None. `counted`: what it holds is counted
    against the limits of the day on which it was made, whenever it is captured.
    `payment_intent_id` is the payment that it was made for, which alone may end it."""

    id: str
    version: int
    created: datetime
    status: Status
    wallet_id: str
    amount: int
    amount_held: int
    amount_captured: int
    currency: str
    counted: bool
    destination_id: str | None = None
    payment_intent_id: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


def of_wallet(id: str, wallet: Wallet, amount: int, now: datetime) -> Hold:
    """`amount` of the wallet, set aside for the merchant; counted where the wallet has limits."""
    return Hold(
        id=id,
        version=1,
        created=now,
        status="held",
        wallet_id=wallet.id,
        amount=amount,
        amount_held=amount,
        amount_captured=0,
        currency=wallet.currency,
        counted=wallet.limits.any,
    )


def refuse_ended(hold: Hold, now: datetime) -> None:
    """Raise unless it still holds money."""
    out_of_time = hold.expires_at is not None and hold.expires_at <= now
    status = "expired" if hold.status == "held" and out_of_time else hold.status
    if status != "held":
        raise Refused(
            "wallet_hold_unexpected_state",
            f"The wallet hold {hold.id} is {status}; only one that is held can be captured or "
            "released.",
            "hold",
        )


def refuse_foreign(hold: Hold) -> None:
    """Raise where a payment alone may end it."""
    if hold.payment_intent_id is not None:
        raise Refused(
            "wallet_hold_unexpected_state",
            f"The wallet hold {hold.id} belongs to a PaymentIntent. Capture or cancel "
            f"{hold.payment_intent_id} instead.",
            "hold",
        )


def refuse_beyond(hold: Hold, amount: int) -> None:
    if amount > hold.amount_held:
        raise Refused(
            "amount_too_large",
            f"{display(amount, hold.currency)} cannot be captured: "
            f"{display(hold.amount_held, hold.currency)} is what is held.",
            "amount",
        )


def capture(hold: Hold, amount: int, *, final: bool) -> Hold:
    """`amount` of it is taken; the rest is let go if `final`."""
    done = final or amount == hold.amount_held
    return replace(
        hold,
        status="captured" if done else "held",
        amount_captured=hold.amount_captured + amount,
        amount_held=0 if done else hold.amount_held - amount,
    )


def let_go(hold: Hold, status: Status) -> Hold:
    """What is still held is the wallet's again. What was captured before stays captured."""
    return replace(hold, status=status, amount_held=0)
