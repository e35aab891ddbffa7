"""Counting without a look beforehand, for tenants that were far from every mark of their plan.

What was granted is added in the statement that writes the batch. Should a row have been closed
since this process saw it last, or come near a mark, that statement fails: nothing of the batch
stays, and it is tried again under lock.
"""

from __future__ import annotations

from guilder_server.kernel.changes import Changes
from guilder_server.postgres.committer import Part
from guilder_server.postgres.statements import Statement
from guilder_server.usage.domain.metering import Uses
from guilder_server.usage.infra.counters import BatchUses, Shared, add, nothing


class Trusting(Part):
    def __init__(self, shared: Shared, batch: BatchUses, month: str) -> None:
        self._shared, self._batch, self._month = shared, batch, month
        self._granted: dict[int, Uses] = {}

    def grant(self, changes: Changes) -> None:
        uses = self._batch.of(changes)
        if uses is not None:
            add(self._granted.setdefault(changes.tenant.id, nothing()), uses)

    def second(self) -> list[Statement]:
        tenants = sorted(self._granted)
        if not tenants:
            return []
        uses = [self._granted[tenant] for tenant in tenants]
        return [self._shared.adding(tenants, self._month, uses, far=True)]

    def distrust(self) -> bool:
        for tenant in self._granted:
            self._shared.forget(tenant)
        return bool(self._granted)
