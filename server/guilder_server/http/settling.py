"""Carrying out what no request asked for: what jobs find due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.steps import Settler, Step
from guilder_server.kernel.tenant import Tenant

log = structlog.get_logger(__name__)


async def settle_each(
    settler: Settler,
    due: Sequence[tuple[Tenant, str]],
    decide: Callable[[Tenant, str], Awaitable[Step | None]],
    what: str,
) -> int:
    """Carry out what `decide` says of each object; None: there is nothing to be done any more. One
    that has changed meanwhile is found again the next time. Gives how many were looked at; `what`
    is what the log calls such an object."""
    for tenant, id in due:
        try:
            step = await decide(tenant, id)
            if step is not None:
                await settler.settle(tenant, step)
        except GuardLost:
            log.info("changed_meanwhile", what=what, id=id)
        except Exception:
            # One that cannot be settled must not keep the others.
            log.exception("not_settled", what=what, id=id)
    return len(due)
