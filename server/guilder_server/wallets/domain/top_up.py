"""Money that a payment brought into a wallet.

succeeded ⇄ reversed, in parts or whole, as the payment is refunded
failed, where the wallet had been closed by then and the money stayed with the merchant
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.copies import replace

NOUN = "wallet top-up"

Status: TypeAlias = Literal["succeeded", "reversed", "failed"]


@dataclass(frozen=True)
class TopUp:
    """`amount_reversed` of `amount` has left the wallet again."""

    id: str
    version: int
    created: datetime
    status: Status
    wallet_id: str
    amount: int
    amount_reversed: int
    currency: str
    payment_intent_id: str
    charge_id: str


def reverse(top_up: TopUp, amount: int) -> TopUp:
    return _with(top_up, top_up.amount_reversed + amount)


def restore(top_up: TopUp, amount: int) -> TopUp:
    """What was taken back is there again, because it did not arrive."""
    return _with(top_up, top_up.amount_reversed - amount)


def _with(top_up: TopUp, taken: int) -> TopUp:
    status: Status = "reversed" if taken == top_up.amount else "succeeded"
    return replace(top_up, amount_reversed=taken, status=status)
