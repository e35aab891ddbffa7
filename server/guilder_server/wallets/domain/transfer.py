"""Money that went from one wallet to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

NOUN = "wallet transfer"


@dataclass(frozen=True)
class Transfer:
    """`transaction_id` is what moved it in the ledger."""

    id: str
    version: int
    created: datetime
    wallet_id: str
    destination_id: str
    amount: int
    currency: str
    transaction_id: str
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
