"""What many accounts hold together: the trial balance of a tenant, or of a part of its books."""

from __future__ import annotations

from guilder_server.kernel.errors import Refused
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.sums import MOST_GROUPS, Selection, Sums
from guilder_server.ledger.ports import SumStore


class TrialBalance:
    def __init__(self, store: SumStore) -> None:
        self._store = store

    async def read(self, tenant: Tenant, selection: Selection) -> Sums:
        groups = await self._store.sums(tenant, selection, MOST_GROUPS + 1)
        if len(groups) > MOST_GROUPS:
            raise Refused(
                "ledger_balances_limit",
                f"These accounts make more than {MOST_GROUPS:,} groups. Narrow code, or lower "
                "depth.",
                "depth",
            )
        return Sums(selection, tuple(groups))
