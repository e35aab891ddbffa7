"""What a tenant has in the database, so that a test can say that nothing was added.

The log of requests is left out: it grows with every one.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

_TABLES = """
SELECT table_name FROM information_schema.columns
WHERE column_name = 'tenant_id' AND table_schema = 'public'
-- When a key was last used, and what was asked, are noted beside requests, also refused ones.
AND table_name NOT IN ('credential_uses', 'request_logs') ORDER BY 1
"""


class TenantRows:
    """How many rows of each table are the tenant's."""

    def __init__(self, database_url: str, tenant_id: int) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)
        tables = [name for (name,) in self._connection.execute(_TABLES).fetchall()]
        self._counts = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*) FROM {} WHERE tenant_id = {}").format(
                sql.Literal(table), sql.Identifier(table), sql.Literal(tenant_id)
            )
            for table in tables
        )

    def count(self) -> dict[str, int]:
        return dict(self._connection.execute(self._counts).fetchall())

    def close(self) -> None:
        self._connection.close()
