"""Organizations and accounts in the hands of whoever runs the server, over HTTP: as at their desk,
with the changes in one commit with the idempotency key that they were asked under."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.tenancy.domain.account import Account, AccountStatus, with_plan, with_status
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.flows.accounts import Openings
from guilder_server.tenancy.ports import OrganizationStore


class Operating:
    """`plans` are the names of those that there are."""

    def __init__(
        self, store: OrganizationStore, openings: Openings, plans: Collection[str]
    ) -> None:
        self._store, self._openings, self._plans = store, openings, plans

    async def create_organization(self, given: Mapping[str, Any]) -> Done:
        changes = Changes(OPERATOR)
        made = self._openings.organization(name=given["name"], metadata=given.get("metadata"))
        return Done(changes.add(made), changes)

    async def organization(self, id: str) -> Organization:
        found = await self._store.organization(id)
        if found is None:
            raise NotFound("organization", id)
        return found

    async def organizations(self, query: ListQuery) -> Page:
        return await self._store.organizations(query)

    async def create_account(self, given: Mapping[str, Any]) -> Done:
        changes = Changes(OPERATOR)
        self._require_plan(given.get("plan"))
        if "organization" in given:
            owner = await self._store.organization(given["organization"])
            if owner is None:
                raise NoSuchReference("organization", given["organization"], "organization")
        else:
            owner = changes.add(self._openings.organization(name=given.get("name")))
        account = self._openings.account(
            owner,
            name=given.get("name"),
            country=given.get("country", "US"),
            currency=given.get("default_currency", "usd"),
            email=given.get("email"),
            plan=given.get("plan"),
            metadata=given.get("metadata"),
        )
        return Done(changes.add(account), changes)

    async def account(self, id: str) -> Account:
        found = await self._store.account(id)
        if found is None:
            raise NotFound("account", id)
        return found

    async def accounts(self, query: ListQuery, organization: str | None) -> Page:
        return await self._store.accounts(query, organization)

    async def update_account(self, id: str, given: Mapping[str, Any]) -> Done:
        if "plan" not in given:
            return await self._change(id, lambda account: account)
        plan = given["plan"] or None
        self._require_plan(plan)
        return await self._change(id, lambda account: with_plan(account, plan))

    async def put(self, id: str, status: AccountStatus) -> Done:
        return await self._change(id, lambda account: with_status(account, status))

    async def _change(self, id: str, change: Callable[[Account], Account]) -> Done:
        changes, before = Changes(OPERATOR), await self.account(id)
        after = change(before)
        if after is before:
            return Done(before, changes)
        return Done(changes.change(before, after), changes)

    def _require_plan(self, plan: str | None) -> None:
        if plan is not None and plan not in self._plans:
            raise InvalidRequest(
                "parameter_invalid",
                f"There is no plan '{plan}'. There are: {', '.join(sorted(self._plans))}. The "
                "server reads them from the file that GUILDER_PLANS names.",
                "plan",
            )
