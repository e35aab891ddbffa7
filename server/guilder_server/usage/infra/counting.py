"""Counting, and refusing what a plan does not allow, as a part of a commit.

The row of a tenant's month is locked once for a batch, as ledger accounts are, and in the order
of tenants, so that no two processes wait for each other; whatever the batch uses is one update of
it. Under the lock exactly as much gets through as the quota allows.

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
_LOCK = (
    "SELECT u.tenant_id, u.month, u.closed, u.reached, {plan}, {columns} "
    "FROM unnest(%s, %s) AS k(tenant_id, month) "
    "JOIN usage_counters u ON u.tenant_id = k.tenant_id AND u.month >= k.month {joined}"
    "ORDER BY u.tenant_id, u.month FOR NO KEY UPDATE OF u"
)
_LOCK_WITH_PLAN = _LOCK.format(
    plan="a.plan",
    columns=_COLUMNS,
    joined="LEFT JOIN tenants t ON t.id = k.tenant_id LEFT JOIN accounts a ON a.id = t.account_id ",
)
# Where no plan has a quota, nobody needs to know who is on which.
_LOCK_ALONE = _LOCK.format(plan="NULL", columns=_COLUMNS, joined="")
_WRITE = (
    f"UPDATE usage_counters u SET {', '.join(f'{name} = v.{name}' for name in _NAMES)}, "
    "reached = v.reached FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s) "
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
    """A tenant's month under lock."""

    month: str
    reached: int
    plan: Plan
    used: dict[str, int]
    touched: bool = False

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

    def add(self, uses: Mapping[str, int]) -> None:
        for name, many in uses.items():
            self.used[name] += many
        self.touched = True

    def marks(self) -> int:
        """Once reached, a mark stays so."""
        if not self.plan.quotas:
            return self.reached
        taken = {meter: self.taken(meter) for meter in METERS}
        return self.reached | marks_of(taken, self.plan.quotas)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What counters of one process have in common. `known` is each tenant's open month."""

    plans: Plans
    metering: Metering
    clock: Clock
    spent: Spent
    lock: str
    known: dict[int, str] = field(default_factory=dict)


def counting(plans: Plans, metering: Metering, clock: Clock, spent: Spent) -> PartMaker:
    lock = _LOCK_WITH_PLAN if plans.have_quotas else _LOCK_ALONE
    shared = _Shared(plans, metering, clock, spent, lock)
    return lambda sets: Counting(shared, sets)


class Counting(Part):
    def __init__(self, shared: _Shared, sets: Sequence[Changes]) -> None:
        self._shared = shared
        self._uses: dict[int, Uses] = {}
        tenants: set[int] = set()
        for changes in sets:
            if uses := shared.metering.uses(changes):
                self._uses[id(changes)] = uses
                tenants.add(changes.tenant.id)
        self._tenants = sorted(tenants)
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
        statements.append((self._shared.lock, [BIGINT.array(self._tenants), TEXT.array(months)]))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        *opened, locked = results
        for tenant, month, closed, reached, plan, *used in locked:
            if not closed:
                row = _Row(
                    month,
                    reached,
                    self._shared.plans.of(plan),
                    dict(zip(_NAMES, used, strict=True)),
                )
                self._rows[tenant] = row
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
            self._rows[changes.tenant.id].add(uses)

    def second(self) -> list[Statement]:
        for tenant, row in self._rows.items():
            self._shared.spent.note(tenant, row.spent())
        touched = [(tenant, row) for tenant, row in self._rows.items() if row.touched]
        if not touched:
            return []
        return [
            (
                _WRITE,
                [
                    BIGINT.array([tenant for tenant, _ in touched]),
                    TEXT.array([row.month for _, row in touched]),
                    *(BIGINT.array([row.used[name] for _, row in touched]) for name in _NAMES),
                    INTEGER.array([row.marks() for _, row in touched]),
                ],
            )
        ]
