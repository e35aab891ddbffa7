"""Opening accounts, and deciding whether they are let in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import wishes
from guilder_server.tenancy.domain.account import Account, AccountStatus
from guilder_server.tenancy.flows.recording import Recorder
from guilder_server.tenancy.ports import AccountStore, Registry


class Accounts:
    """The accounts, for whoever needs to know one."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def of(self, tenant: Tenant) -> Account:
        account = await self._store.find(tenant.account)
        if account is None:
            raise NotFound("account", tenant.account)
        return account


class AccountDesk:
    """The accounts, for whoever runs the server."""

    def __init__(self, registry: Registry, ids: Ids, clock: Clock, actor: Actor) -> None:
        self._registry = registry
        self._recorder = Recorder(registry, ids, clock, actor)
        self._ids = ids
        self._clock = clock

    def create(
        self,
        *,
        name: str | None = None,
        country: str = "US",
        currency: str = "usd",
        email: str | None = None,
    ) -> Account:
        account = Account(
            id=self._ids.new("acct"),
            created=self._clock.now(),
            country=wishes.country(country),
            default_currency=wishes.currency(currency),
            name=wishes.name(name),
            email=wishes.email(email),
        )
        self._registry.add_account(account)
        self._recorder.account("create_account", None, account)
        return account

    def all(self) -> Sequence[Account]:
        """Oldest first."""
        return self._registry.accounts()

    def suspend(self, id: str) -> Account:
        return self._put(id, "suspended", "suspend_account")

    def resume(self, id: str) -> Account:
        return self._put(id, "active", "resume_account")

    def close(self, id: str) -> Account:
        """For good: nothing leads back from here."""
        return self._put(id, "closed", "close_account")

    def _put(self, id: str, status: AccountStatus, action: str) -> Account:
        before = self._registry.account(id)
        if before is None:
            raise NotFound("account", id)
        if before.status == status:
            return before
        if before.status == "closed":
            raise Refused("status_transition_invalid", f"The account {id} is closed, for good.")
        after = replace(before, status=status)
        self._registry.change_account(after)
        self._recorder.account(action, before, after)
        return after
