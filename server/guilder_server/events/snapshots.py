"""`guilder snapshot show`: any stored payload or answer, as the JSON that it was packed from."""

from __future__ import annotations

import json
import sys

import psycopg

from guilder_server.postgres.seals import is_sealed
from guilder_server.postgres.snapshots import unpack

_EVENT = "SELECT payload FROM events WHERE id = %s"
_KEY = "SELECT response FROM idempotency_keys WHERE key = %s AND status <> 0 ORDER BY tenant_id"


async def show(database_url: str, name: str) -> int:
    """Print the event with this id, or else what was answered under this idempotency key, one
    line for each tenant that used it; 1 if there is neither. An answer that holds a secret is
    only named."""
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        rows = await (await connection.execute(_EVENT, [name])).fetchall()
        if not rows:
            rows = await (await connection.execute(_KEY, [name])).fetchall()
    if not rows:
        print(f"There is no event and no idempotency key {name}.", file=sys.stderr)
        return 1
    for (packed,) in rows:
        if is_sealed(packed):
            print(f"What was answered under {name} holds a secret: it is sealed.", file=sys.stderr)
            continue
        print(json.dumps(json.loads(unpack(packed)), indent=2, ensure_ascii=False))
    return 0
