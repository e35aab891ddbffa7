"""Counting, and refusing what a plan does not allow, as a part of a commit.

What a batch would use if all of it were granted is added to the row of each tenant's month before
anything is judged: that locks the rows, in the order of tenants, so that no two processes wait for
each other, and tells what they came to. Under the lock exactly as much gets through as the quota
allows. Where something was refused, or a mark reached, the row is written once more.

A month's row is closed by the first commit of the next one, and what exists is carried over. A
process whose clock is behind finds it closed and counts in the month that has begun: what a month
came to does not change any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Forbidden
from guilder_server.postgres.columns import BIGINT, INTEGER, TEXT
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.statements import Statement
from guilder_server.usage.domain.exceeding import exceeded
from guilder_server.usage.domain.metering import Metering, Uses, room
from guilder_server.usage.domain.meters import METERS, PENDING, marks_of, month_of
from guilder_server.usage.domain.plans import Plan, Plans

_NAMES = (*METERS, PENDING)
_COLUMNS = ", ".join(_NAMES)
_OPEN = (
    "WITH k AS (SELECT * FROM unnest(%s, %s) AS k(tenant_id, month)), "
    "locked AS (SELECT u.tenant_id, u.month FROM k JOIN usage_counters u USING (tenant_id) "
    "WHERE u.month < k.month AND NOT u.closed ORDER BY u.tenant_id FOR NO KEY UPDATE OF u), "
    "last AS (UPDATE usage_counters u SET closed = true FROM locked l "
    "WHERE u.tenant_id = l.tenant_id AND u.month = l.month AND NOT u.closed RETURNING u.*) "
    f"INSERT INTO usage_counters (tenant_id, month, closed, {_COLUMNS}, reached, told) "
    "SELECT k.tenant_id, k.month, false, 0, 0, coalesce(last.wallets, 0), "
    "coalesce(last.webhook_endpoints, 0), 0, coalesce(last.payments_pending, 0), 0, 0 "
    "FROM k LEFT JOIN last USING (tenant_id) "
    # A clock that is behind opens nothing in the past.
    "WHERE NOT EXISTS (SELECT FROM usage_counters u "
    "WHERE u.tenant_id = k.tenant_id AND u.month > k.month) ORDER BY k.tenant_id "
    "ON CONFLICT DO NOTHING RETURNING tenant_id"
)
# Joined from the array, by nested loops alone (postgres/pool.py), so in the order of tenants.
_ADD = (
    f"UPDATE usage_counters u SET {', '.join(f'{name} = u.{name} + v.{name}' for name in _NAMES)} "
    f"FROM unnest(%s, %s, {', '.join('%s' for _ in _NAMES)}) AS v(tenant_id, month, {_COLUMNS}) "
    "{joined}"
    "WHERE u.tenant_id = v.tenant_id AND u.month >= v.month AND NOT u.closed "
    f"RETURNING u.tenant_id, u.month, u.reached, {{plan}}, {', '.join(f'u.{n}' for n in _NAMES)}"
)
_ADD_WITH_PLAN = _ADD.format(
    plan="a.plan",
    joined="LEFT JOIN tenants t ON t.id = v.tenant_id LEFT JOIN accounts a ON a.id = t.account_id ",
)
# Where no plan has a quota, nobody needs to know who is on which.
_ADD_ALONE = _ADD.format(plan="NULL", joined="")
_WRITE = (
    f"UPDATE usage_counters u SET {', '.join(f'{name} = v.{name}' for name in _NAMES)}, "
    f"reached = v.reached FROM unnest(%s, %s, {', '.join('%s' for _ in _NAMES)}, %s) "
    f"AS v(tenant_id, month, {_COLUMNS}, reached) "
    "WHERE u.tenant_id = v.tenant_id AND u.month = v.month"
)

# Some 20 MB. A row that was forgotten is opened once more, in vain.
MOST_KNOWN = 100_000
# For so long calls that only read are refused without another look at the counter.
SPENT_FOR_S = 5.0


class Spent:
    """The tenants that may call no more this month, as far as this process has seen: reads have no
    commit of their own that could refuse them."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._until: dict[int, tuple[float, Forbidden]] = {}

    def note(self, tenant: int, refusal: Forbidden | None) -> None:
        if refusal is None:
            self._until.pop(tenant, None)
        else:
            self._until[tenant] = (self._elapsed() + SPENT_FOR_S, refusal)

    def refusal(self, tenant: int) -> Forbidden | None:
        found = self._until.get(tenant)
        if found is None:
            return None
        if found[0] <= self._elapsed():
            del self._until[tenant]
            return None
        return found[1]


@dataclass(slots=True)
class _Row:
    """A tenant's month under lock: what was used before the batch and by what of it was granted,
    and what the row says meanwhile."""

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

    def marks(self) -> int:
        """Once reached, a mark stays so."""
        if not self.plan.quotas:
            return self.reached
        taken = {meter: self.taken(meter) for meter in METERS}
        return self.reached | marks_of(taken, self.plan.quotas)

    def is_written(self) -> bool:
        return self.used == self.written and self.marks() == self.reached


@dataclass(frozen=True, slots=True)
class _Shared:
    """What counters of one process have in common. `known` is each tenant's open month."""

    plans: Plans
    metering: Metering
    clock: Clock
    spent: Spent
    add: str
    known: dict[int, str] = field(default_factory=dict)


def counting(plans: Plans, metering: Metering, clock: Clock, spent: Spent) -> PartMaker:
    add = _ADD_WITH_PLAN if plans.have_quotas else _ADD_ALONE
    shared = _Shared(plans, metering, clock, spent, add)
    return lambda sets: Counting(shared, sets)


class Counting(Part):
    def __init__(self, shared: _Shared, sets: Sequence[Changes]) -> None:
        self._shared = shared
        self._uses: dict[int, Uses] = {}
        together: dict[int, Uses] = {}
        for changes in sets:
            if uses := shared.metering.uses(changes):
                self._uses[id(changes)] = uses
                _add(together.setdefault(changes.tenant.id, dict.fromkeys(_NAMES, 0)), uses)
        self._tenants = sorted(together)
        self._together = together
        self._rows: dict[int, _Row] = {}

    def first(self) -> list[Statement]:
        if not self._tenants:
            return []
        month, known = month_of(self._shared.clock.now()), self._shared.known
        statements: list[Statement] = []
        if new := [tenant for tenant in self._tenants if known.get(tenant, "") < month]:
            statements.append((_OPEN, [BIGINT.array(new), TEXT.array([month] * len(new))]))
        # A clock that was put back may be behind what this process has opened before it.
        months = [max(month, known.get(tenant, "")) for tenant in self._tenants]
        uses = [self._together[tenant] for tenant in self._tenants]
        statements.append((self._shared.add, _arrays(self._tenants, months, uses)))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        *opened, added = results
        for tenant, month, reached, name_of_plan, *counted in added:
            written = dict(zip(_NAMES, counted, strict=True))
            before = {name: written[name] - many for name, many in self._together[tenant].items()}
            plan = self._shared.plans.of(name_of_plan)
            self._rows[tenant] = _Row(month, reached, plan, before, written)
        self._remember({tenant for rows in opened for (tenant,) in rows})

    def _remember(self, new: set[int]) -> None:
        """What this transaction has opened is not there yet for good; it is known next time."""
        known = self._shared.known
        if len(known) > MOST_KNOWN:
            known.clear()
        for tenant in self._tenants:
            row = self._rows.get(tenant)
            if row is None:
                known.pop(tenant, None)
            elif tenant not in new:
                known[tenant] = row.month

    def refusal(self, changes: Changes) -> Exception | None:
        uses = self._uses.get(id(changes))
        if uses is None:
            return None
        row = self._rows.get(changes.tenant.id)
        if row is None:
            return GuardLost("the month turned while this was counted")
        return row.refusal(uses) if changes.limited and row.plan.hard else None

    def grant(self, changes: Changes) -> None:
        uses = self._uses.get(id(changes))
        if uses is not None:
            _add(self._rows[changes.tenant.id].used, uses)

    def second(self) -> list[Statement]:
        for tenant, row in self._rows.items():
            self._shared.spent.note(tenant, row.spent())
        other = [(tenant, row) for tenant, row in self._rows.items() if not row.is_written()]
        if not other:
            return []
        tenants, rows = zip(*other, strict=True)
        arrays = _arrays(tenants, [row.month for row in rows], [row.used for row in rows])
        return [(_WRITE, [*arrays, INTEGER.array([row.marks() for row in rows])])]


def _add(total: Uses, uses: Uses) -> None:
    for name, many in uses.items():
        total[name] += many


def _arrays(tenants: Sequence[int], months: Sequence[str], uses: Sequence[Uses]) -> list[Any]:
    return [
        BIGINT.array(tenants),
        TEXT.array(months),
        *(BIGINT.array([one[name] for one in uses]) for name in _NAMES),
    ]
