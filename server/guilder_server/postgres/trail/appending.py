"""Entries for what is written outside of the committer."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.audit import AuditEntry, Cause, Touched
from guilder_server.kernel.redaction import redacted_fields
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.trail import blocks

_APPEND = """
INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload)
SELECT t.id, %s, %s::bigint, %s, %s FROM tenants t WHERE t.account_id = %s
"""
_APPEND_OWN = f"""
INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload)
VALUES ({OPERATOR.id}, %s, %s, %s, %s)
"""


async def append(connection: Connection, account: str, entry: AuditEntry) -> None:
    """Adds `entry` to the trail of both modes of an account. Raises ValueError where there is no
    such account, or for an id that no maker of ids made: when it was is read off it."""
    done = await connection.execute(_APPEND, [*_values(entry), account])
    _check(account, done.rowcount)


def append_now(connection: sa.Connection, account: str, entry: AuditEntry) -> None:
    """As `append`, on a connection of SQLAlchemy's."""
    done = connection.exec_driver_sql(_APPEND, (*_values(entry), account))
    _check(account, done.rowcount)


def append_own_now(connection: sa.Connection, entry: AuditEntry) -> None:
    """Adds `entry` to the trail of whoever runs the server: what it tells of is of no account."""
    connection.exec_driver_sql(_APPEND_OWN, tuple(_values(entry)))


def _values(entry: AuditEntry) -> list[Any]:
    if not blocks.is_id(entry.id):
        raise ValueError(f"not the id of an entry of the audit trail: {entry.id!r}")
    cause = Cause(entry.actor, entry.action, entry.request_id)
    before, after = redacted_fields(entry.before), redacted_fields(entry.after)
    touched = Touched(entry.object, entry.object_id, before, after)
    terms = blocks.terms_of(cause, [entry.object])
    made = blocks.block(entry.id, terms, [blocks.line(cause, [touched])])
    return [made.id, made.terms, made.locators, made.payload]


def _check(account: str, tenants: int) -> None:
    if not tenants:
        raise ValueError(f"there is no account {account} to whose audit trail it would belong")
