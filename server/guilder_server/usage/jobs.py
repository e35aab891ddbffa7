"""What runs beside the requests: accounts hear of the marks that they have reached."""

from __future__ import annotations

from contextlib import suppress

import structlog

from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.steps import Settler
from guilder_server.usage.domain.meters import Meter, Percent, marks_in
from guilder_server.usage.flows.telling import Telling
from guilder_server.usage.ports import Untold, UsageStore

log = structlog.get_logger(__name__)

_AT_ONCE = 200


class UsageJobs:
    def __init__(self, store: UsageStore, telling: Telling, settler: Settler) -> None:
        self._store, self._telling, self._settler = store, telling, settler

    async def tell(self) -> int:
        """How many tenants were looked at."""
        found = await self._store.untold(_AT_ONCE)
        for untold in found:
            for meter, percent in marks_in(untold.marks):
                try:
                    await self._tell(untold, meter, percent)
                except Exception:
                    # One that cannot be told must not keep the others.
                    log.exception("quota_not_told", tenant=untold.tenant.id, meter=meter)
        return len(found)

    async def _tell(self, untold: Untold, meter: Meter, percent: Percent) -> None:
        step, month = self._telling.tell(untold, meter, percent), untold.figures.month
        if step is None:
            await self._store.passed(untold.tenant, month, meter, percent)
            return
        # Another process may have been first.
        with suppress(GuardLost):
            await self._settler.settle(untold.tenant, step)
        await self._store.told(untold.tenant, month, meter, percent)
