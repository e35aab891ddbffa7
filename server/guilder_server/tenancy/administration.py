"""The desk at which accounts are opened and keys handed out, put together on a database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.postgres.trail import append_now
from guilder_server.tenancy.domain.grants import grantable
from guilder_server.tenancy.domain.keys import IssuedKey, KeyStatus
from guilder_server.tenancy.flows.accounts import AccountDesk
from guilder_server.tenancy.flows.keys import KeyDesk
from guilder_server.tenancy.infra.registry import PostgresRegistry, transaction

# Whoever sits at a terminal of the server.
AT_TERMINAL = Actor("operator", "command_line")


@dataclass(frozen=True, slots=True)
class _Notes:
    """Where and in whose name an audit is written."""

    connection: sa.Connection
    ids: Ids
    clock: Clock
    actor: Actor
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Desk:
    accounts: AccountDesk
    keys: KeyDesk
    notes: _Notes

    def note(
        self,
        account: str,
        action: str,
        noun: str,
        object_id: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """For the account's audit, in the transaction of what is noted."""
        notes = self.notes
        entry = AuditEntry(
            notes.ids.new("aud"),
            notes.clock.now(),
            notes.actor,
            action,
            noun,
            object_id,
            before,
            after,
            notes.request_id,
        )
        append_now(notes.connection, account, entry)

    def shown(self, key: IssuedKey) -> tuple[IssuedKey, KeyStatus]:
        """A key with how it stands now."""
        return key, key.key.status(self.notes.clock.now())


@contextmanager
def desk(
    database_url: str,
    pepper: bytes,
    declared: Collection[str] = (),
    actor: Actor = AT_TERMINAL,
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
    actor: Actor = AT_TERMINAL,
    request_id: str | None = None,
) -> Desk:
    """In a transaction that the caller ends."""
    clock = clock or SystemClock()
    ids, registry = Ids(clock), PostgresRegistry(connection)
    notes = _Notes(connection, ids, clock, actor, request_id)
    return Desk(
        AccountDesk(registry, ids, clock),
        KeyDesk(registry, pepper, grantable(declared), ids, clock),
        notes,
    )
