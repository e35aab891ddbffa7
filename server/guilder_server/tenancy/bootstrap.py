"""Opening accounts from outside the API: for development, tests and benchmarks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.tenancy.administration import Desk, desk_on
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.infra.registry import transaction


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
    desk = desk_on(connection, pepper, clock=clock)
    account = account or desk.accounts.create(name=name).id
    secret_key = secret_key or keys.new_key("secret", livemode)
    publishable_key = publishable_key or keys.new_key("publishable", livemode)
    for key in (secret_key, publishable_key):
        adopted = desk.keys.adopt(account, livemode, key)
    return DevAccount(account, adopted.tenant.id, secret_key, publishable_key)


def _ensure(
    database_url: str, pepper: bytes, secret_key: str | None, publishable_key: str | None
) -> DevAccount:
    with transaction(database_url) as connection:
        desk = desk_on(connection, pepper)
        opened = [each.id for each in desk.accounts.all() if each.status != "closed"]
        account = opened[0] if opened else None
        return open_account(
            connection,
            pepper,
            account=account,
            name="Development",
            secret_key=_still_good(desk, account, secret_key),
            publishable_key=_still_good(desk, account, publishable_key),
        )


def _still_good(desk: Desk, account: str | None, key: str | None) -> str | None:
    """The key, unless somebody has rolled or revoked it, or closed its account."""
    known = None if key is None else desk.keys.known(key)
    if known is None:
        return key
    gone = known.key.status(SystemClock().now()) != "active" or known.key.replaced_by is not None
    return None if gone or known.tenant.account != account else key
