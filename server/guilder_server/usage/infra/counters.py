"""The counters of tenants' months: their statements, and what a row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Forbidden
from guilder_server.postgres.columns import BIGINT, TEXT
from guilder_server.postgres.statements import SOUND, Statement
from guilder_server.usage.domain.exceeding import exceeded
from guilder_server.usage.domain.metering import Metering, Uses, room
from guilder_server.usage.domain.meters import (
    MARKS,
    METERS,
    PENDING,
    Meter,
    marks_of,
    month_of,
)
from guilder_server.usage.domain.plans import Plan, Plans
from guilder_server.usage.infra.spent import Spent

NAMES = (*METERS, PENDING)
COLUMNS = ", ".join(NAMES)
OPEN = (
    "WITH k AS (SELECT * FROM unnest(%s, %s) AS k(tenant_id, month)), "
    "locked AS (SELECT u.tenant_id, u.month FROM k JOIN usage_counters u USING (tenant_id) "
    "WHERE u.month < k.month AND NOT u.closed ORDER BY u.tenant_id FOR NO KEY UPDATE OF u), "
    "last AS (UPDATE usage_counters u SET closed = true FROM locked l "
    "WHERE u.tenant_id = l.tenant_id AND u.month = l.month AND NOT u.closed RETURNING u.*) "
    f"INSERT INTO usage_counters (tenant_id, month, closed, {COLUMNS}, reached, told) "
    "SELECT k.tenant_id, k.month, false, 0, 0, coalesce(last.wallets, 0), "
    "coalesce(last.webhook_endpoints, 0), 0, coalesce(last.payments_pending, 0), 0, 0 "
    "FROM k LEFT JOIN last USING (tenant_id) "
    # A clock that is behind opens nothing in the past.
    "WHERE NOT EXISTS (SELECT FROM usage_counters u "
    "WHERE u.tenant_id = k.tenant_id AND u.month > k.month) ORDER BY k.tenant_id "
    "ON CONFLICT DO NOTHING RETURNING tenant_id"
)
# Joined from the array, by nested loops alone (postgres/pool.py), so in the order of tenants.
_ADDED = (
    f"UPDATE usage_counters u SET {', '.join(f'{name} = u.{name} + v.{name}' for name in NAMES)} "
    f"FROM unnest(%s, %s, {', '.join('%s' for _ in NAMES)}) AS v(tenant_id, month, {COLUMNS}) "
    "{joined}"
    "WHERE u.tenant_id = v.tenant_id AND u.month >= v.month AND NOT u.closed RETURNING "
)
_COUNTED = f"u.tenant_id, u.month, u.reached, {{plan}}, {', '.join(f'u.{n}' for n in NAMES)}"
# Where no plan has a quota, nobody needs to know who is on which.
_PLANS = "LEFT JOIN tenants t ON t.id = v.tenant_id LEFT JOIN accounts a ON a.id = t.account_id "
WRITE = (
    f"UPDATE usage_counters u SET {', '.join(f'{name} = v.{name}' for name in NAMES)}, "
    f"reached = v.reached FROM unnest(%s, %s, {', '.join('%s' for _ in NAMES)}, %s) "
    f"AS v(tenant_id, month, {COLUMNS}, reached) "
    "WHERE u.tenant_id = v.tenant_id AND u.month = v.month"
)

# Of a quota, in percent: ten points before the first mark.
_NEAR = MARKS[0] - 10


def _adding(plans: Plans) -> str:
    """Adds to the rows of tenants, and returns what they come to."""
    if plans.have_quotas:
        return _ADDED.format(joined=_PLANS) + _COUNTED.format(plan="a.plan")
    return _ADDED.format(joined="") + _COUNTED.format(plan="NULL")


def _adding_far(plans: Plans) -> str:
    """Adds to the rows of tenants that stay far from every mark; it fails if one does not, or has
    no open row."""
    if plans.have_quotas:
        return _ADDED.format(joined=_PLANS) + f"{_far(plans)} AS {SOUND}"
    return _ADDED.format(joined="") + f"true AS {SOUND}"


def _far(plans: Plans) -> str:
    """As `Row.is_near` says of rows that were read. Names of plans have nothing to be quoted."""

    def level(plan: Plan, meter: Meter) -> str:
        quota = plan.quotas.get(meter)
        return "NULL" if quota is None else str(-(-quota * _NEAR // 100))

    tests = []
    for meter in METERS:
        levels = {name: level(plan, meter) for name, plan in plans.by_name.items()}
        otherwise = level(plans.default, meter)
        if {otherwise, *levels.values()} == {"NULL"}:
            continue
        cases = " ".join(f"WHEN '{name}' THEN {most}" for name, most in levels.items())
        taken = f"u.payments + u.{PENDING}" if meter == "payments" else f"u.{meter}"
        tests.append(f"coalesce({taken} < CASE a.plan {cases} ELSE {otherwise} END, true)")
    return " AND ".join(tests)


# Some 30 MB. A row that was forgotten is opened once more, in vain.
MOST_KNOWN = 100_000


@dataclass(slots=True)
class Row:
    """A tenant's month under lock: what is used by what was granted so far, and what the row says
    meanwhile."""

    month: str
    reached: int
    plan: Plan
    used: dict[str, int]
    written: dict[str, int]

    def taken(self, meter: str) -> int:
        """Of the quota."""
        return self.used[meter] + (self.used[PENDING] if meter == "payments" else 0)

    def refusal(self, uses: Mapping[str, int]) -> Forbidden | None:
        needed = room(uses)
        for meter, quota in self.plan.quotas.items():
            if meter in needed and self.taken(meter) + needed[meter] > quota:
                return exceeded(self.plan, meter, self.taken(meter), self.month)
        return None

    def spent(self) -> Forbidden | None:
        quota = self.plan.quotas.get("api_calls")
        if not self.plan.hard or quota is None or self.used["api_calls"] < quota:
            return None
        return exceeded(self.plan, "api_calls", self.used["api_calls"], self.month)

    def use(self, uses: Uses) -> None:
        add(self.used, uses)

    def marks(self) -> int:
        """Once reached, a mark stays so."""
        if not self.plan.quotas:
            return self.reached
        taken = {meter: self.taken(meter) for meter in METERS}
        return self.reached | marks_of(taken, self.plan.quotas)

    def is_written(self) -> bool:
        return self.used == self.written and self.marks() == self.reached

    def is_near(self) -> bool:
        """To a mark, or beyond one."""
        quotas = self.plan.quotas.items()
        return any(self.taken(meter) * 100 >= quota * _NEAR for meter, quota in quotas)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process has last seen of a tenant: its open month, and whether a mark is near."""

    month: str
    near: bool


class Shared:
    """What counters of one process have in common."""

    def __init__(self, plans: Plans, clock: Clock, spent: Spent) -> None:
        self._plans, self._clock, self.spent = plans, clock, spent
        self._add, self._add_far = _adding(plans), _adding_far(plans)
        self._known: dict[int, Seen] = {}

    def month(self) -> str:
        return month_of(self._clock.now())

    def knows(self, tenant: int, month: str) -> bool:
        """Whether its row is there for good."""
        seen = self._known.get(tenant)
        return seen is not None and seen.month >= month

    def trusts(self, tenant: int, month: str) -> bool:
        """Whether it may use more without a look: it is seen to afterwards."""
        seen = self._known.get(tenant)
        return seen is not None and seen.month >= month and not seen.near

    def adding(
        self, tenants: Sequence[int], month: str, uses: Sequence[Uses], *, far: bool
    ) -> Statement:
        """To the open month of each tenant, which are in order; with `far` as `_adding_far` says. A
        clock that was put back may be behind what this process has seen before."""
        known = self._known
        months = [max(month, known[one].month) if one in known else month for one in tenants]
        return self._add_far if far else self._add, arrays(tenants, months, uses)

    def row_of(self, returned: Sequence[Any], added: Uses) -> Row:
        """As it was before so much was added."""
        _, month, reached, plan, *counted = returned
        written = dict(zip(NAMES, counted, strict=True))
        used = {name: written[name] - many for name, many in added.items()}
        return Row(month, reached, self._plans.of(plan), used, written)

    def remember(self, tenant: int, row: Row) -> None:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known[tenant] = Seen(row.month, row.is_near())

    def forget(self, tenant: int) -> None:
        self._known.pop(tenant, None)


class BatchUses:
    """What the sets of a batch use, each and those of each tenant together."""

    def __init__(self, metering: Metering, sets: Sequence[Changes]) -> None:
        self._of: dict[int, Uses] = {}
        self.together: dict[int, Uses] = {}
        for changes in sets:
            if uses := metering.uses(changes):
                self._of[id(changes)] = uses
                add(self.together.setdefault(changes.tenant.id, nothing()), uses)
        self.tenants = sorted(self.together)

    def of(self, changes: Changes) -> Uses | None:
        return self._of.get(id(changes))


def nothing() -> Uses:
    return dict.fromkeys(NAMES, 0)


def add(total: Uses, uses: Uses) -> None:
    for name, many in uses.items():
        total[name] += many


def arrays(tenants: Sequence[int], months: Sequence[str], uses: Sequence[Uses]) -> list[Any]:
    return [
        BIGINT.array(tenants),
        TEXT.array(months),
        *(BIGINT.array([one[name] for one in uses]) for name in NAMES),
    ]
