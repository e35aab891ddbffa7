"""Writing the audit trail of one tenant out, as lines of JSON that prove themselves.

What has no place in the chain yet gets it first. Then everything that is chained is read from one
snapshot. `docs/audit.md` says how a reader makes the digests again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg

from guilder_server.audit.domain.checkpoint import signed_text
from guilder_server.audit.infra.chaining import CHAINED
from guilder_server.audit.verification import reading
from guilder_server.kernel import heads
from guilder_server.kernel.ids import microseconds
from guilder_server.kernel.tenant import OPERATOR, Tenant
from guilder_server.postgres import chaining, columns
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.trail import blocks

FORMAT = 1
_TENANT = "SELECT id FROM tenants WHERE account_id = %s AND livemode = %s"
_LAST = """
SELECT position, head FROM audit_blocks WHERE tenant_id = %s AND position IS NOT NULL
ORDER BY position DESC LIMIT 1
"""
_CHECKPOINTS = """
SELECT id, created, position, head, entries, public_key, signature FROM audit_checkpoints
WHERE tenant_id = %s ORDER BY position
"""

_encode = msgspec.json.Encoder().encode
Write = Callable[[bytes], object]


class Unexportable(Exception):
    """The message says why."""


def export(database_url: str, account: str | None, *, livemode: bool, write: Write) -> None:
    """Hands line by line to `write`; without an account what whoever runs the server did over
    HTTP. Raises Unexportable."""
    asyncio.run(_export(database_url, account, livemode, write))


async def _export(database_url: str, account: str | None, livemode: bool, write: Write) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        columns.register(connection.adapters)
        tenant = OPERATOR if account is None else await _side(connection, account, livemode)
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [CHAINED.lock])
        await chaining.place(connection, CHAINED, None, tenant)
        await connection.commit()
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await _written(connection, tenant, lambda line: write(_encode(line) + b"\n"))


async def _side(connection: Connection, account: str, livemode: bool) -> Tenant:
    row = await (await connection.execute(_TENANT, [account, livemode])).fetchone()
    if row is None:
        raise Unexportable(
            f"There is no account {account}. `guilder accounts list` shows those there are."
        )
    return Tenant(row[0], account, livemode)


async def _written(
    connection: Connection, tenant: Tenant, write: Callable[[dict[str, Any]], object]
) -> None:
    last = await (await connection.execute(_LAST, [tenant.id])).fetchone()
    position, head = last or (0, heads.GENESIS)
    write(
        {
            "kind": "audit",
            "format": FORMAT,
            "account": tenant.account,
            "livemode": tenant.livemode,
            "created": microseconds(datetime.now(UTC)),
            "position": position,
            "head": head.hex(),
            "checkpoints": [
                _checkpoint(row, tenant)
                for row in await (await connection.execute(_CHECKPOINTS, [tenant.id])).fetchall()
            ],
        }
    )
    entries, before = 0, heads.GENESIS
    rows = reading.walked(connection, reading.CHAINED, tenant.id, 0)
    async with aclosing(rows) as walk:
        async for row in walk:
            before = _is_sound(row, before)
            lines = row.entries()
            write(
                {
                    "kind": "block",
                    "position": row.position,
                    "id": row.id,
                    "entries": len(lines),
                    "digest": blocks.digest(row.id, row.payload).hex(),
                    "head": before.hex(),
                }
            )
            for entry in lines:
                write(_entry(entry))
            entries += len(lines)
    write({"kind": "end", "entries": entries, "position": position, "head": head.hex()})


def _is_sound(row: reading.Row, before: bytes) -> bytes:
    """The head with this row."""
    assert row.position is not None
    head = heads.head(CHAINED.prefix, before, row.position, blocks.digest(row.id, row.payload))
    if head != row.head:
        raise Unexportable(
            f"{row.name()} is not as it was chained; `guilder audit verify` says more."
        )
    return head


def _entry(entry: blocks.Entry) -> dict[str, Any]:
    cause = entry.cause
    return {
        "kind": "entry",
        "id": entry.id,
        "created": microseconds(entry.created),
        "actor": {"type": cause.actor.kind, "id": cause.actor.id, "address": cause.actor.address},
        "action": cause.action,
        "request": cause.request_id,
        "changes": [one._asdict() for one in entry.touched],
    }


def _checkpoint(row: tuple[Any, ...], tenant: Tenant) -> dict[str, Any]:
    id, created, position, head, entries, public_key, signature = row
    return {
        "id": id,
        "created": microseconds(created) // 1_000_000,
        "position": position,
        "head": head.hex(),
        "entries": entries,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
        "signed": signed_text(tenant.account, tenant.livemode, position, head, created),
    }
