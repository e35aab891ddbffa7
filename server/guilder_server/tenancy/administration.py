"""The desk at which accounts are opened and keys handed out, put together on a database."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.tenancy.domain.grants import grantable
from guilder_server.tenancy.domain.keys import IssuedKey, KeyStatus
from guilder_server.tenancy.flows.accounts import AccountDesk
from guilder_server.tenancy.flows.keys import KeyDesk
from guilder_server.tenancy.flows.recording import Recorder
from guilder_server.tenancy.infra.registry import PostgresRegistry, transaction


@dataclass(frozen=True, slots=True)
class Desk:
    accounts: AccountDesk
    keys: KeyDesk
    clock: Clock
    claim: Callable[[Changes], None]

    def shown(self, key: IssuedKey) -> tuple[IssuedKey, KeyStatus]:
        """A key with how it stands now."""
        return key, key.key.status(self.clock.now())


@contextmanager
def desk(
    database_url: str,
    pepper: bytes,
    declared: Collection[str] = (),
    actor: Actor | None = None,
    request_id: str | None = None,
) -> Iterator[Desk]:
    """What is done here is kept together when the context ends well, and else nothing of it.

    Keys are hashed with the pepper; `declared` are the permissions that a key may have. With a
    `request_id` it is done over HTTP.
    """
    with transaction(database_url, over_http=request_id is not None) as connection:
        yield desk_on(connection, pepper, declared, actor=actor, request_id=request_id)


def desk_on(
    connection: sa.Connection,
    pepper: bytes,
    declared: Collection[str] = (),
    clock: Clock | None = None,
    actor: Actor | None = None,
    request_id: str | None = None,
) -> Desk:
    """In a transaction that the caller ends. `actor` is who stands at it, otherwise whoever runs
    this program."""
    clock, actor = clock or SystemClock(), actor or whoever_runs_this()
    ids, registry = Ids(clock), PostgresRegistry(connection)
    recorder = Recorder(registry, ids, clock, actor, request_id)
    return Desk(
        AccountDesk(registry, ids, clock, recorder),
        KeyDesk(registry, pepper, grantable(declared), ids, clock, recorder),
        clock,
        registry.claim,
    )


def whoever_runs_this() -> Actor:
    """The operator at the command line, by the name that the system knows them by."""
    try:
        name = f"command line, {getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run under a number that no user has.
        name = "command line"
    return Actor("operator", name)
