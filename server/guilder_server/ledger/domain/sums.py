"""What many accounts hold together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# A group is a line in somebody's books; whoever wants more of them narrows the question.
MOST_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which accounts (`code` as a list of accounts takes it; None for all), and by how many words
    of their codes they are grouped; None puts them together in one group for each currency."""

    code: str | None
    depth: int | None
    known_at: datetime | None
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sum:
    """Of the accounts of a group: the balances that stand on each side, in minor units."""

    code: str
    currency: str
    accounts: int
    debits: int
    credits: int

    @property
    def balance(self) -> int:
        return self.debits - self.credits


@dataclass(frozen=True, slots=True)
class Sums:
    """Ordered by code and currency."""

    selection: Selection
    groups: tuple[Sum, ...]
