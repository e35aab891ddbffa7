"""What was used, beside the plan that it counts against."""

from __future__ import annotations

from dataclasses import dataclass

from guilder_server.usage.domain.meters import Figures
from guilder_server.usage.domain.plans import Plan


@dataclass(frozen=True, slots=True)
class Holder:
    """An account as far as its usage goes; `plan` is what the account says."""

    account: str
    organization: str
    plan: str | None


@dataclass(frozen=True, slots=True)
class Sides:
    """What an account has used in both of its modes."""

    holder: Holder
    live: Figures
    test: Figures


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one tenant, against the plan that its account is on now."""

    plan: Plan
    figures: Figures
    livemode: bool


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """Of an account, in both of its modes."""

    sides: Sides
    plan: Plan
