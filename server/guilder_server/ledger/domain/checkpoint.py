"""A checkpoint: a head of the chain that was signed, for whoever wants to hold the ledger to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.clock import unix

NOUN = "ledger checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """`head` is that of the chain at `position`, which has so many `transactions`."""

    id: str
    created: datetime
    position: int
    head: bytes
    transactions: int
    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Tip:
    """How far a tenant's chain has come since its last checkpoint."""

    tenant: int
    account: str
    livemode: bool
    position: int
    head: bytes
    transactions: int


def signed_text(account: str, livemode: bool, position: int, head: bytes, created: datetime) -> str:
    """What is signed, as UTF-8."""
    return (
        "guilder ledger checkpoint 1\n"
        f"account {account}\n"
        f"livemode {str(livemode).lower()}\n"
        f"position {position}\n"
        f"head {head.hex()}\n"
        f"created {unix(created)}\n"
    )
