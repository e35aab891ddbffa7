"""Plans: how much of everything an account may use in a month, and how fast.

They come from a file, so that whoever hosts keeps them beside the rest of the configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from guilder_server.usage.domain.meters import METERS, Meter

_RATES = ("live_per_s", "test_per_s", "concurrency")
_LARGEST = 2**53
DEFAULT_NAME = "default"
_NOTHING: Mapping[Meter, int] = MappingProxyType({})


class PlansBroken(ValueError):
    """The message names the plan and the key that is wrong, and says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`quotas` are for a month and for each mode by itself; a meter without one has no limit.
    `hard` quotas refuse what goes beyond them, soft ones count it. Rates are requests per second
    in each mode, `concurrency` requests at once; None leaves them to the server."""

    name: str
    hard: bool = False
    quotas: Mapping[Meter, int] = field(default_factory=lambda: _NOTHING)
    live_per_s: int | None = None
    test_per_s: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Plans:
    by_name: Mapping[str, Plan]
    default: Plan

    def of(self, plan: str | None) -> Plan:
        """The plan of an account by what the account says of it. One that the file no longer has
        counts as the default one."""
        return self.default if plan is None else self.by_name.get(plan, self.default)

    @property
    def have_quotas(self) -> bool:
        return any(plan.quotas for plan in (self.default, *self.by_name.values()))


_UNLIMITED = Plan(DEFAULT_NAME)
UNLIMITED = Plans({DEFAULT_NAME: _UNLIMITED}, _UNLIMITED)


def plans_from(document: Mapping[str, Any]) -> Plans:
    """The plans that a file describes. Raises PlansBroken."""
    _refuse_unknown("", document, {"default", "plans"})
    described = document.get("plans")
    if not isinstance(described, dict) or not described:
        raise PlansBroken("has no plan: write one as [plans.NAME], with its keys below")
    plans = {name: _plan(name, one) for name, one in described.items()}
    default = document.get("default")
    if default not in plans:
        raise PlansBroken(
            f"says default = {default!r}, which is none of its plans: write the name of one, "
            f"{', '.join(sorted(plans))}, above the first of them"
        )
    return Plans(plans, plans[default])


def _plan(name: str, described: Any) -> Plan:
    if not isinstance(described, dict):
        raise PlansBroken(f"plan {name!r}: write it as a table, [plans.{name}]")
    if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        raise PlansBroken(f"plan {name!r}: a name has letters, digits, - and _ only")
    _refuse_unknown(f"plan {name!r}: ", described, {"hard", "quotas", "rates"})
    hard = described.get("hard", False)
    if not isinstance(hard, bool):
        raise PlansBroken(f"plan {name!r}: hard = {hard!r} must be true or false")
    quotas = _numbers(name, "quotas", described, METERS, least=0)
    rates = _numbers(name, "rates", described, _RATES, least=1)
    return Plan(name, hard, {meter: quotas[meter] for meter in METERS if meter in quotas}, **rates)


def _numbers(
    plan: str, group: str, described: Mapping[str, Any], known: Collection[str], *, least: int
) -> dict[str, int]:
    given = described.get(group, {})
    if not isinstance(given, dict):
        raise PlansBroken(f"plan {plan!r}: write {group} as a table, [plans.{plan}.{group}]")
    _refuse_unknown(f"plan {plan!r}: {group}.", given, known)
    for key, value in given.items():
        if type(value) is not int or not least <= value <= _LARGEST:
            raise PlansBroken(
                f"plan {plan!r}: {group}.{key} = {value!r} must be a whole number of {least} or "
                "more; leave the key out where there is no limit"
            )
    return dict(given)


def _refuse_unknown(where: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    for key in given:
        if key not in known:
            raise PlansBroken(f"{where}{key} is no key: there are {', '.join(sorted(known))}")
