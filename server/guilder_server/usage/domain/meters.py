"""What is counted, and in which month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

Meter: TypeAlias = Literal["payments", "api_calls", "wallets", "webhook_endpoints", "storage_bytes"]
METERS: tuple[Meter, ...] = get_args(Meter)
# Those that exist, whenever they were made; the others begin each month at nothing.
STANDING: frozenset[Meter] = frozenset({"wallets", "webhook_endpoints"})
# Of a quota, in percent: what its account is told of.
Percent: TypeAlias = Literal[80, 100]
MARKS: tuple[Percent, ...] = get_args(Percent)

# Beside the meters: payments that a gateway is being asked for. They take room under the quota.
PENDING = "payments_pending"


def month_of(instant: datetime) -> str:
    """Such as 2026-11: months are those of UTC."""
    instant = instant.astimezone(UTC)
    return f"{instant.year:04}-{instant.month:02}"


def first_of(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def end_of(month: str) -> datetime:
    """The first instant after it."""
    year, number = int(month[:4]), int(month[5:])
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def marks_of(used: Mapping[Meter, int], quotas: Mapping[Meter, int]) -> int:
    """Which marks are reached, a bit for each."""
    found = 0
    for place, meter in enumerate(METERS):
        quota = quotas.get(meter)
        if quota:
            for step, percent in enumerate(MARKS):
                if used[meter] * 100 >= quota * percent:
                    found |= 1 << (place * len(MARKS) + step)
    return found


def marks_in(bits: int) -> list[tuple[Meter, Percent]]:
    """The meter and the percent of each mark."""
    return [
        (meter, percent)
        for place, meter in enumerate(METERS)
        for step, percent in enumerate(MARKS)
        if bits & 1 << (place * len(MARKS) + step)
    ]


def bit_of(meter: Meter, percent: Percent) -> int:
    return 1 << (METERS.index(meter) * len(MARKS) + MARKS.index(percent))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a tenant has used in a month. `pending` are payments on their way, none of them in a
    month that is over."""

    month: str
    used: Mapping[str, int]
    pending: int = 0

    def against_quota(self, meter: Meter) -> int:
        return self.used[meter] + (self.pending if meter == "payments" else 0)
