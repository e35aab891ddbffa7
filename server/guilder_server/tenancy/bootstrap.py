"""Opening accounts from outside the API: for development, tests and benchmarks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.infra.tables import accounts, api_keys, tenants


class PepperSetting(Protocol):
    """The setting that keys are hashed with."""

    @property
    def key_pepper(self) -> str: ...


@dataclass(frozen=True, slots=True)
class DevAccount:
    """An account with the keys of one of its modes, in clear."""

    account: str
    tenant_id: int
    secret_key: str
    publishable_key: str


async def ensure_dev_account(
    database_url: str,
    settings: PepperSetting,
    secret_key: str | None = None,
    publishable_key: str | None = None,
) -> DevAccount:
    """The account of a development database in test mode, made if there is none.

    The given keys are its keys, and stay so from one start to the next; those not given are
    made. Whoever calls keeps them, as the database holds only their hashes.
    """
    pepper = settings.key_pepper.encode()
    return await asyncio.to_thread(_ensure, database_url, pepper, secret_key, publishable_key)


def open_account(
    connection: sa.Connection,
    pepper: bytes,
    *,
    account: str | None = None,
    livemode: bool = False,
    name: str | None = None,
    secret_key: str | None = None,
    publishable_key: str | None = None,
    clock: Clock | None = None,
) -> DevAccount:
    """Keys to one mode of an account; a new account if none is named."""
    desk = _Desk(connection, pepper, clock or SystemClock())
    account = account or desk.new_account(name)
    tenant_id = desk.tenant(account, livemode)
    secret_key = secret_key or keys.new_key("secret", livemode)
    publishable_key = publishable_key or keys.new_key("publishable", livemode)
    for key in (secret_key, publishable_key):
        desk.add_key(tenant_id, livemode, key)
    return DevAccount(account, tenant_id, secret_key, publishable_key)


def _ensure(
    database_url: str, pepper: bytes, secret_key: str | None, publishable_key: str | None
) -> DevAccount:
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        oldest = sa.select(accounts.c.id).order_by(accounts.c.created, accounts.c.id).limit(1)
        return open_account(
            connection,
            pepper,
            account=connection.scalar(oldest),
            name="Development",
            secret_key=secret_key,
            publishable_key=publishable_key,
        )


class _Desk:
    """Where accounts are opened and keys handed out."""

    def __init__(self, connection: sa.Connection, pepper: bytes, clock: Clock) -> None:
        self._connection = connection
        self._pepper = pepper
        self._clock = clock
        self._ids = Ids(clock)

    def new_account(self, name: str | None) -> str:
        account = self._ids.new("acct")
        self._connection.execute(
            accounts.insert().values(
                id=account,
                created=self._clock.now(),
                country="US",
                default_currency="usd",
                name=name,
                timezone="Etc/UTC",
                metadata={},
            )
        )
        return account

    def tenant(self, account: str, livemode: bool) -> int:
        found = sa.select(tenants.c.id).where(
            tenants.c.account_id == account, tenants.c.livemode == livemode
        )
        tenant_id: int | None = self._connection.scalar(found)
        if tenant_id is None:
            made = tenants.insert().values(account_id=account, livemode=livemode)
            tenant_id = self._connection.scalar(made.returning(tenants.c.id))
        assert tenant_id is not None
        return tenant_id

    def add_key(self, tenant_id: int, livemode: bool, key: str) -> None:
        """A key of another tenant, or of the other mode, must not seem to be this one's."""
        if not keys.well_formed(key) or keys.livemode_of(key) != livemode:
            raise ValueError(f"not a key of this mode: {key[:11]}…")
        digest = keys.digest(self._pepper, key)
        self._connection.execute(
            insert(api_keys)
            .values(
                tenant_id=tenant_id,
                id=self._ids.new("key"),
                hash=digest,
                kind=keys.kind_of(key),
                last4=key[-4:],
                permissions=sa.null(),
                created=self._clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["hash"])
        )
        holder = sa.select(api_keys.c.tenant_id).where(api_keys.c.hash == digest)
        if self._connection.scalar(holder) != tenant_id:
            raise ValueError(f"the key {key[:11]}… belongs to another account")
