"""Opening accounts, and deciding whether they are let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NoSuchReference, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import wishes
from guilder_server.tenancy.domain.account import Account, AccountStatus, with_plan, with_status
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.flows.recording import Recorder
from guilder_server.tenancy.ports import AccountStore, Registry


class Accounts:
    """The accounts, for whoever needs to know one."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def of(self, tenant: Tenant) -> Account:
        account = await self._store.find(tenant)
        if account is None:
            raise NotFound("account", tenant.account)
        return account

    async def currency_of(self, tenant: Tenant) -> str:
        """The account's default currency."""
        return (await self.of(tenant)).default_currency


class Openings:
    """What an organization and an account are when they begin."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids, self._clock = ids, clock

    def organization(
        self, *, name: str | None, metadata: Mapping[str, str] | None = None
    ) -> Organization:
        return Organization(
            id=self._ids.new("org"),
            version=1,
            created=self._clock.now(),
            name=wishes.name(name),
            metadata=merge({}, metadata),
        )

    def account(
        self,
        organization: Organization,
        *,
        name: str | None = None,
        country: str = "US",
        currency: str = "usd",
        email: str | None = None,
        plan: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Account:
        return Account(
            id=self._ids.new("acct"),
            created=self._clock.now(),
            country=wishes.country(country),
            default_currency=wishes.currency(currency),
            name=wishes.name(name),
            email=wishes.email(email),
            metadata=merge({}, metadata),
            organization_id=organization.id,
            plan=plan,
        )


class AccountDesk:
    """The organizations and their accounts, for whoever runs the server."""

    def __init__(self, registry: Registry, ids: Ids, clock: Clock, recorder: Recorder) -> None:
        self._registry, self._recorder = registry, recorder
        self._openings = Openings(ids, clock)

    def create_organization(self, *, name: str) -> Organization:
        organization = self._openings.organization(name=wishes.needed_name(name))
        self._registry.add_organization(organization)
        self._recorder.organization("create_organization", organization)
        return organization

    def organizations(self) -> Sequence[Organization]:
        """Oldest first."""
        return self._registry.organizations()

    def create(
        self,
        *,
        organization: str | None = None,
        name: str | None = None,
        country: str = "US",
        currency: str = "usd",
        email: str | None = None,
        plan: str | None = None,
    ) -> Account:
        """With both of its sides, live and test. Without an organization it gets one of its
        own, of the same name."""
        owner = self._openings.organization(name=name)
        if organization is not None:
            found = self._registry.organization(organization)
            if found is None:
                raise NoSuchReference("organization", organization, "organization")
            owner = found
        account = self._openings.account(
            owner, name=name, country=country, currency=currency, email=email, plan=plan
        )
        if organization is None:
            self._registry.add_organization(owner)
            self._recorder.organization("create_account", owner)
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

    def put_on_plan(self, id: str, plan: str | None) -> Account:
        """None is the default plan, whichever that is."""
        return self._change(id, lambda account: with_plan(account, plan), "update_account")

    def _put(self, id: str, status: AccountStatus, action: str) -> Account:
        return self._change(id, lambda account: with_status(account, status), action)

    def _change(self, id: str, change: Callable[[Account], Account], action: str) -> Account:
        before = self._registry.account(id)
        if before is None:
            raise NotFound("account", id)
        after = change(before)
        if after is not before:
            self._registry.change_account(after)
            self._recorder.account(action, before, after)
        return after
