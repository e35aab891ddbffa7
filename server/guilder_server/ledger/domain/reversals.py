"""How much of a transaction has been reversed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.copies import replace

Pair = tuple[str, str, int]


@dataclass(frozen=True)
class Reversal:
    """Of the transaction with the same id: `reversed` is how much of each of its postings."""

    id: str
    version: int
    created: datetime
    reversed: list[int]
    whole: bool


def remaining(pairs: list[Pair], reversal: Reversal | None) -> list[int]:
    """What is left of each posting."""
    done = reversal.reversed if reversal is not None else [0] * len(pairs)
    return [amount - gone for (_, _, amount), gone in zip(pairs, done, strict=True)]


def after(
    id: str, pairs: list[Pair], reversal: Reversal | None, amounts: list[int], now: datetime
) -> Reversal:
    """What stands of it once `amounts` more have been reversed."""
    left = remaining(pairs, reversal)
    done = [
        amount - rest + more
        for (_, _, amount), rest, more in zip(pairs, left, amounts, strict=True)
    ]
    whole = amounts == left
    if reversal is None:
        return Reversal(id, 1, now, done, whole)
    return replace(reversal, reversed=done, whole=whole)
