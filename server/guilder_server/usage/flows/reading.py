"""What was used, for whoever pays and for whoever bills."""

from __future__ import annotations

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.usage.domain.meters import month_of
from guilder_server.usage.domain.plans import Plans
from guilder_server.usage.domain.used import AccountUsage, Sides, Usage
from guilder_server.usage.ports import UsageStore


class UsageFlows:
    def __init__(self, store: UsageStore, plans: Plans, clock: Clock) -> None:
        self._store, self._plans, self._clock = store, plans, clock

    async def of_tenant(self, tenant: Tenant, month: str | None) -> Usage:
        plan, figures = await self._store.of_tenant(tenant, self._begun(month))
        return Usage(self._plans.of(plan), figures, tenant.livemode)

    async def of_account(self, account: str, month: str | None) -> AccountUsage:
        sides = await self._store.of_account(account, self._begun(month))
        if sides is None:
            raise NotFound("account", account)
        return self._with_plan(sides)

    async def of_accounts(
        self, month: str | None, query: ListQuery, organization: str | None
    ) -> Page:
        found, more = await self._store.of_accounts(self._begun(month), query, organization)
        return Page([self._with_plan(sides) for sides in found], more)

    def _with_plan(self, sides: Sides) -> AccountUsage:
        return AccountUsage(sides, self._plans.of(sides.holder.plan))

    def _begun(self, month: str | None) -> str:
        """The present month unless another is named."""
        present = month_of(self._clock.now())
        if month is not None and month > present:
            raise InvalidRequest(
                "parameter_invalid",
                f"The month {month} has not begun: this is {present}, in UTC.",
                "month",
            )
        return month or present
