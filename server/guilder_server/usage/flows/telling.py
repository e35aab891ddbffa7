"""Telling an account that it has used four fifths of a quota, or all of it."""

from __future__ import annotations

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Done
from guilder_server.usage.domain.meters import Meter, Percent
from guilder_server.usage.domain.notice import REACHED, Notice
from guilder_server.usage.domain.plans import Plans
from guilder_server.usage.ports import Untold


class Telling:
    def __init__(self, plans: Plans, ids: Ids, clock: Clock) -> None:
        self._plans, self._ids, self._clock = plans, ids, clock

    def tell(self, untold: Untold, meter: Meter, percent: Percent) -> Done | None:
        """None where it does not hold any more, such as after a change of plan."""
        plan = self._plans.of(untold.plan)
        quota, used = plan.quotas.get(meter), untold.figures.against_quota(meter)
        if not quota or used * 100 < quota * percent:
            return None
        changes = Changes(untold.tenant)
        notice = Notice(
            id=self._ids.new("uqn"),
            version=1,
            created=self._clock.now(),
            month=untold.figures.month,
            meter=meter,
            percent=percent,
            used=used,
            quota=quota,
            hard=plan.hard,
            plan=plan.name,
        )
        changes.record(REACHED, changes.add(notice))
        return Done(notice, changes)
