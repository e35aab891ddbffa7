"""What a tenant and its account have in the database, so that a test can say that nothing was
added.

The log of requests is left out: it grows with every one.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

_TABLES = """
SELECT DISTINCT ON (table_name) table_name, column_name FROM information_schema.columns
WHERE column_name IN ('tenant_id', 'account_id') AND table_schema = 'public'
-- When a key was last used, and what was asked, are noted beside requests, also refused ones.
AND table_name NOT IN ('credential_uses', 'request_logs') ORDER BY table_name, column_name DESC
"""
_COUNT = """
SELECT {table_name}, count(*) FROM {table}
WHERE {owner} = (SELECT {owner_in_tenants} FROM tenants WHERE id = {tenant_id})
"""
_IN_TENANTS = {"tenant_id": "id", "account_id": "account_id"}


class TenantRows:
    """How many rows of each table are the tenant's, or its account's."""

    def __init__(self, database_url: str, tenant_id: int) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)
        self._counts = sql.SQL(" UNION ALL ").join(
            sql.SQL(_COUNT).format(
                table_name=sql.Literal(table),
                table=sql.Identifier(table),
                owner=sql.Identifier(owner),
                owner_in_tenants=sql.Identifier(_IN_TENANTS[owner]),
                tenant_id=sql.Literal(tenant_id),
            )
            for table, owner in self._connection.execute(_TABLES).fetchall()
        )

    def count(self) -> dict[str, int]:
        return dict(self._connection.execute(self._counts).fetchall())

    def close(self) -> None:
        self._connection.close()
