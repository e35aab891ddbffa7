"""API keys of every kind, put straight into the database."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb

from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.domain.keys import KeyKind
from tests.support.api import PEPPER

_ids = Ids(SystemClock())
_INSERT = """
INSERT INTO api_keys
    (tenant_id, id, hash, kind, last4, permissions, created, expires_at, revoked_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add_key(
    database_url: str,
    tenant_id: int,
    kind: KeyKind = "secret",
    *,
    livemode: bool = False,
    permissions: list[str] | None = None,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
    pepper: str = PEPPER,
) -> str:
    """A new key of the tenant, in clear."""
    key = keys.new_key(kind, livemode)
    row = (
        tenant_id,
        _ids.new("key"),
        keys.digest(pepper.encode(), key),
        kind,
        key[-4:],
        None if permissions is None else Jsonb(permissions),
        datetime.now(UTC),
        expires_at,
        revoked_at,
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(_INSERT, row)
    return key
