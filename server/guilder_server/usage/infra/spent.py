"""Who may call no more this month, for calls that have no commit of their own."""

from __future__ import annotations

import time
from collections.abc import Callable

from guilder_server.kernel.errors import Forbidden

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
