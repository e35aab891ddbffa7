"""`guilder snapshot show`: any stored payload or answer, as the JSON that it was packed from."""

from __future__ import annotations

import json
import sys
from typing import Any

import psycopg

from guilder_server.http.snapshots import object_in, teller_of
from guilder_server.postgres.seals import is_sealed
from guilder_server.postgres.snapshots import unpack

_EVENT = "SELECT payload FROM events WHERE id = %s"
_TELLER = "SELECT payload FROM events WHERE tenant_id = %s AND id = %s"
_KEY = (
    "SELECT response, tenant_id FROM idempotency_keys WHERE key = %s AND status <> 0 "
    "ORDER BY tenant_id"
)


async def show(database_url: str, name: str) -> int:
    """Print the event with this id, or else what was answered under this idempotency key, one
    line for each tenant that used it; 1 if there is neither. An answer that holds a secret is
    only named."""
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        found: list[bytes | None] = [
            unpack(packed)
            for (packed,) in await (await connection.execute(_EVENT, [name])).fetchall()
        ]
        answers = await (await connection.execute(_KEY, [name])).fetchall() if not found else []
        for packed, tenant in answers:
            found.append(await _answer(connection, packed, tenant))
    if not found:
        print(f"There is no event and no idempotency key {name}.", file=sys.stderr)
        return 1
    for snapshot in found:
        if snapshot is None:
            print(f"What was answered under {name} holds a secret: it is sealed.", file=sys.stderr)
            continue
        print(json.dumps(json.loads(snapshot), indent=2, ensure_ascii=False))
    return 0


async def _answer(
    connection: psycopg.AsyncConnection[Any], packed: bytes, tenant: int
) -> bytes | None:
    """None for one that is sealed."""
    event = teller_of(packed)
    if event is None:
        return None if is_sealed(packed) else unpack(packed)
    row = await (await connection.execute(_TELLER, [tenant, event])).fetchone()
    return b"null" if row is None else object_in(unpack(row[0]))
