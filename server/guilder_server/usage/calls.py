"""Calls of the API: each is counted once.

One that writes is counted in its own commit. One that only reads has none: it is counted here,
and what has gathered is committed every second and when the server stops. A process that is
killed loses what it gathered since then, in its customers' favour.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.errors import Conflict
from guilder_server.kernel.tenant import Tenant
from guilder_server.kernel.traces import said
from guilder_server.usage.ports import Commits, SpentCalls

log = structlog.get_logger(__name__)


class Calls:
    def __init__(self, spent: SpentCalls, committer: Commits) -> None:
        self._spent, self._committer = spent, committer
        self._gathered: Counter[Tenant] = Counter()

    def admit(self, tenant: Tenant) -> None:
        """Raises Forbidden where a hard quota of calls is used up."""
        refusal = self._spent.refusal(tenant.id)
        if refusal is not None:
            raise refusal

    def count(self, tenant: Tenant) -> None:
        if not tenant.of_operator:
            self._gathered[tenant] += 1

    async def flush(self) -> int:
        """Commit what has gathered; how many calls that was."""
        gathered, self._gathered = self._gathered, Counter()
        await asyncio.gather(*(self._commit(*one) for one in gathered.items()))
        return gathered.total()

    async def _commit(self, tenant: Tenant, calls: int) -> None:
        try:
            await self._committer.commit(Changes(tenant, calls=calls))
        except (GuardLost, Conflict):
            self._gathered[tenant] += calls
        except Exception as error:  # noqa: BLE001 - nobody is charged for what may be counted
            log.warning("calls_not_counted", tenant=tenant.id, calls=calls, error=said(error))
