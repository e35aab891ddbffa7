"""The use cases of people, put together from the settings: for the server and for commands."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.people.flows.by_password import ByPassword
from guilder_server.people.flows.by_provider import ByProvider
from guilder_server.people.flows.inviting import Inviting
from guilder_server.people.flows.joining import Joining
from guilder_server.people.flows.members import Members
from guilder_server.people.flows.renewing import Renewing
from guilder_server.people.flows.resetting import Resetting
from guilder_server.people.flows.sessions import Sessions
from guilder_server.people.infra.codes import TotpCodes
from guilder_server.people.infra.passwords import Argon2Passwords
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.people.ports import PeopleStore, Provider, Sealer, Tools
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.seals import Seals

T = TypeVar("T")


class PeopleSettings(Protocol):
    """The settings that people are let in by."""

    @property
    def key_pepper(self) -> str: ...

    @property
    def sealing_key(self) -> str: ...

    @property
    def oidc_issuer(self) -> str | None: ...

    @property
    def oidc_client_id(self) -> str | None: ...

    @property
    def oidc_client_secret(self) -> str: ...

    @property
    def oidc_scopes(self) -> str: ...

    @property
    def oidc_name(self) -> str | None: ...

    @property
    def session_idle_minutes(self) -> int: ...

    @property
    def session_hours(self) -> int: ...


class Populace:
    """Everything that is done with people."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.inviting, self.joining = Inviting(tools), Joining(tools)
        self.members, self.sessions = Members(tools), Sessions(tools)
        self.by_password = ByPassword(tools)
        self.renewing = Renewing(tools, self.sessions)
        self.resetting = Resetting(tools, self.sessions)
        self.by_provider = None if tools.provider is None else ByProvider(tools, tools.provider)


def make_tools(
    settings: PeopleSettings, store: PeopleStore, seals: Sealer, public_url: str, clock: Clock
) -> Tools:
    return Tools(
        store=store,
        passwords=Argon2Passwords(),
        codes=TotpCodes(),
        seals=seals,
        provider=_provider(settings),
        pepper=settings.key_pepper.encode(),
        public_url=public_url,
        idle=timedelta(minutes=settings.session_idle_minutes),
        lifetime=timedelta(hours=settings.session_hours),
        ids=Ids(clock),
        clock=clock,
    )


async def with_people(
    database_url: str,
    settings: PeopleSettings,
    public_url: str,
    act: Callable[[Populace], Awaitable[T]],
) -> T:
    """One thing done with the people of a database, apart from a server."""
    clock, pool = SystemClock(), Pool(database_url, points=1, queries=1)
    await pool.open()
    try:
        store = PostgresPeople(pool)
        tools = make_tools(settings, store, Seals(settings.sealing_key), public_url, clock)
        return await act(Populace(tools))
    finally:
        await pool.close()


def _provider(settings: PeopleSettings) -> Provider | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    # What speaks to a provider takes a while to import, and commands have no use for it.
    from authlib.deprecate import AuthlibDeprecationWarning

    with warnings.catch_warnings():
        # It would rather have a later httpx, and says so on standard error each time.
        warnings.simplefilter("ignore", AuthlibDeprecationWarning)
        from guilder_server.people.infra.oidc import OidcProvider

    return OidcProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret or None,
        settings.oidc_scopes,
        settings.oidc_name,
    )
