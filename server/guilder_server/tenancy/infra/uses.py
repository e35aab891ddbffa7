"""When credentials were last used, as PostgreSQL keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import BIGINT, INSTANT, TEXT
from guilder_server.postgres.pool import Pool

_LAST = "SELECT id, last_used_at FROM credential_uses WHERE tenant_id = %s AND id = ANY(%s)"
_NOTE = (
    "INSERT INTO credential_uses (tenant_id, id, last_used_at) SELECT * FROM unnest(%s, %s, %s) "
    "ON CONFLICT (tenant_id, id) DO UPDATE SET last_used_at = excluded.last_used_at "
    "WHERE credential_uses.last_used_at < excluded.last_used_at"
)


class PostgresUses:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def last_used(self, tenant: Tenant, ids: Sequence[str]) -> Mapping[str, datetime]:
        if not ids:
            return {}
        async with self._pool.point([tenant.id]) as connection:
            rows = await (await connection.execute(_LAST, [tenant.id, list(ids)])).fetchall()
        return dict(rows)

    async def note(self, uses: Mapping[tuple[int, str], datetime]) -> None:
        # In one order in every process, so that no two wait for each other.
        places = sorted(uses)
        arrays = [
            BIGINT.array([tenant for tenant, _ in places]),
            TEXT.array([id for _, id in places]),
            INSTANT.array([uses[place] for place in places]),
        ]
        async with self._pool.jobs.query() as connection:
            await connection.execute(_NOTE, arrays)
