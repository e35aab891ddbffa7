"""A proof in SQL: one statement that looks for a difference and would return it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proof:
    """`claim` holds if `differences` returns no row; each row it returns is a sentence."""

    claim: str
    differences: str
