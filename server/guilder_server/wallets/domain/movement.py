"""What moved on a wallet, as its ledger account says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

NOUN = "wallet transaction"
PREFIX = "wtx"

# The ledger's words, which are the merchant's, in those of the holder.
Type: TypeAlias = Literal[
    "payment",
    "refund",
    "top_up",
    "top_up_reversal",
    "transfer",
    "withdrawal",
    "withdrawal_failure",
]
_TYPES: dict[str, Type] = {
    "payment": "payment",
    "payment_refund": "refund",
    "transfer": "top_up",
    "transfer_refund": "top_up_reversal",
    "wallet_transfer": "transfer",
    "wallet_withdrawal": "withdrawal",
    "wallet_withdrawal_failure": "withdrawal_failure",
}


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` is above zero where money came; `balance` is what was there after it. `number`
    counts the movements of the wallet: 1, 2, 3 … `kind` and `source` are the ledger's."""

    wallet_id: str
    number: int
    amount: int
    balance: int
    currency: str
    created: datetime
    kind: str
    source: str
    transaction_id: str
    description: str | None

    @property
    def id(self) -> str:
        return movement_id(self.wallet_id, self.number)

    @property
    def type(self) -> Type:
        return type_of(self.kind)


def type_of(kind: str) -> Type:
    """The holder's word for what the ledger calls `kind`."""
    return _TYPES[kind]


def movement_id(wallet_id: str, number: int) -> str:
    return f"{PREFIX}_{wallet_id.partition('_')[2]}_{number}"


def number_of(wallet_id: str, id: str) -> int | None:
    """The number in the id of one of the wallet's movements; None if it is none of its."""
    _, _, number = id.rpartition("_")
    if not number.isdecimal() or len(number) > 18 or movement_id(wallet_id, int(number)) != id:
        return None
    return int(number)
