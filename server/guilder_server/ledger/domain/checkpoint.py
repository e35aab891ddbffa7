"""A checkpoint: a head of the chain that was signed, for whoever wants to hold the ledger to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel import heads

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


CHECKPOINTS = heads.Checkpoints("ledger", "lc", Checkpoint)


def signed_text(account: str, livemode: bool, position: int, head: bytes, created: datetime) -> str:
    """What is signed, as UTF-8."""
    return heads.signed_text(CHECKPOINTS.title, account, livemode, position, head, created)
