"""The audit trail, for what is written outside of the committer: on the connection of a
transaction that the caller ends, so that no change is kept without its entry."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.kernel.audit import AuditEntry
from guilder_server.postgres.pool import Connection


async def append(connection: Connection, account: str, entry: AuditEntry) -> None:
    """Adds `entry` to the trail of both modes of an account."""


def append_now(connection: sa.Connection, account: str, entry: AuditEntry) -> None:
    """As `append`, on a connection of SQLAlchemy's."""
