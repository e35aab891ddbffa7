"""Counting under lock: as much gets through as the quota allows, and no more.

What a batch would use if all of it were granted is added to the row of each tenant's month before
anything is judged: that locks the rows, in the order of tenants, so that no two processes wait for
each other, and tells what they came to. Where something was refused, or a mark reached, the row is
written once more.
"""

from __future__ import annotations

from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.postgres.columns import BIGINT, INTEGER, TEXT
from guilder_server.postgres.committer import Part
from guilder_server.postgres.statements import Statement
from guilder_server.usage.infra.counters import OPEN, WRITE, BatchUses, Row, Shared, arrays


class Judging(Part):
    def __init__(self, shared: Shared, batch: BatchUses, month: str) -> None:
        self._shared, self._batch, self._month = shared, batch, month
        self._rows: dict[int, Row] = {}
        self._opened: set[int] = set()

    def first(self) -> list[Statement]:
        tenants, month = self._batch.tenants, self._month
        if not tenants:
            return []
        statements: list[Statement] = []
        if new := [tenant for tenant in tenants if not self._shared.knows(tenant, month)]:
            statements.append((OPEN, [BIGINT.array(new), TEXT.array([month] * len(new))]))
        uses = [self._batch.together[tenant] for tenant in tenants]
        statements.append(self._shared.adding(tenants, month, uses, far=False))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        *opened, added = results
        for returned in added:
            tenant = returned[0]
            self._rows[tenant] = self._shared.row_of(returned, self._batch.together[tenant])
        self._opened = {tenant for rows in opened for (tenant,) in rows}
        for tenant in self._batch.tenants:
            if tenant not in self._rows:
                self._shared.forget(tenant)

    def refusal(self, changes: Changes) -> Exception | None:
        uses = self._batch.of(changes)
        if uses is None:
            return None
        row = self._rows.get(changes.tenant.id)
        if row is None:
            return GuardLost("the month turned while this was counted")
        return row.refusal(uses) if changes.limited and row.plan.hard else None

    def grant(self, changes: Changes) -> None:
        uses = self._batch.of(changes)
        if uses is not None:
            self._rows[changes.tenant.id].use(uses)

    def second(self) -> list[Statement]:
        for tenant, row in self._rows.items():
            self._shared.spent.note(tenant, row.spent())
            # What this transaction has opened is not there yet for good; it is known next time.
            if tenant not in self._opened:
                self._shared.remember(tenant, row)
        other = [(tenant, row) for tenant, row in self._rows.items() if not row.is_written()]
        if not other:
            return []
        tenants, rows = zip(*other, strict=True)
        values = arrays(tenants, [row.month for row in rows], [row.used for row in rows])
        return [(WRITE, [*values, INTEGER.array([row.marks() for row in rows])])]
