"""Counting, and refusing what a plan does not allow, as a part of a commit.

A month's row is closed by the first commit of the next one, and what exists is carried over. A
process whose clock is behind finds it closed and counts in the month that has begun: what a month
came to does not change any more.

Tenants that were far from every mark of their plan are counted as the batch is written
(trusting.py), by a statement that fails if one of them is no more. Where one of a batch was not, or
is not known, all of it is counted under lock (judging.py): so the counters are the last locks that
a commit takes, and each takes them in the order of tenants.
"""

from __future__ import annotations

from collections.abc import Sequence

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.usage.domain.metering import Metering
from guilder_server.usage.domain.plans import Plans
from guilder_server.usage.infra.counters import BatchUses, Shared
from guilder_server.usage.infra.judging import Judging
from guilder_server.usage.infra.spent import Spent
from guilder_server.usage.infra.trusting import Trusting


def counting(plans: Plans, metering: Metering, clock: Clock, spent: Spent) -> PartMaker:
    shared = Shared(plans, clock, spent)

    def part(sets: Sequence[Changes]) -> Part:
        batch, month = BatchUses(metering, sets), shared.month()
        trusted = all(shared.trusts(tenant, month) for tenant in batch.tenants)
        return (Trusting if trusted else Judging)(shared, batch, month)

    return part
