"""Rows of imported books on their way into the database, many at once."""

from __future__ import annotations

from typing import Any

from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import BIGINT, BYTEA, INSTANT, INTEGER, JSONB, TEXT
from guilder_server.postgres.pool import Connection

# How many are kept back before they are written.
_AT_ONCE = 2000

_ACCOUNT = """
INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, floor, ceiling, public_id,
    created, posted_at, balance, version, held_debits, held_credits)
SELECT *, 0, 0, 0, 0 FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_PROFILE = """
INSERT INTO ledger_profiles (tenant_id, id, version, created, code, currency, normal_side, floor,
    ceiling, name, metadata, status)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_BLOCK = """
INSERT INTO ledger_blocks (tenant_id, transactions, locators, digest, position, head)
SELECT b.* FROM unnest(%s, %s, %s, %s, %s, %s)
  AS b(tenant_id, transactions, locators, digest, position, head) ORDER BY b.position
"""
_TRANSACTION = """
INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, currency,
    description, effective_at, reference, reverses, metadata, pairs, exchange)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_ENTRY = """
INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, balance,
    posted_at, effective_at)
SELECT a.tenant_id, a.id, e.version, e.transaction_id, e.amount, e.balance, e.posted_at,
       e.effective_at
FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s) AS e(tenant_id, code, currency, version,
    transaction_id, amount, balance, posted_at, effective_at)
JOIN ledger_accounts a USING (tenant_id, code, currency)
"""
_HOLD = """
INSERT INTO ledger_holds (tenant_id, id, version, created, status, pairs, description, reference,
    metadata, expires_at, exchange)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# In the order in which rows refer to one another; every first column is the tenant.
_TABLES = {
    "accounts": (_ACCOUNT, (TEXT, TEXT, TEXT, BIGINT, BIGINT, TEXT, INSTANT, INSTANT)),
    "profiles": (
        _PROFILE,
        (TEXT, INTEGER, INSTANT, TEXT, TEXT, TEXT, BIGINT, BIGINT, TEXT, JSONB, TEXT),
    ),
    "blocks": (_BLOCK, (TEXT, BYTEA, BYTEA, BIGINT, BYTEA)),
    "transactions": (
        _TRANSACTION,
        (TEXT, TEXT, TEXT, INSTANT, INSTANT, TEXT, TEXT, INSTANT, TEXT, TEXT, JSONB, JSONB, JSONB),
    ),
    "entries": (_ENTRY, (TEXT, TEXT, BIGINT, TEXT, BIGINT, BIGINT, INSTANT, INSTANT)),
    "holds": (_HOLD, (TEXT, INTEGER, INSTANT, TEXT, JSONB, TEXT, TEXT, JSONB, INSTANT, JSONB)),
}


class Unopened(Exception):
    """An entry is on an account that is not there."""


class Rows:
    def __init__(self, connection: Connection, tenant: Tenant) -> None:
        self._connection, self._tenant = connection, tenant
        self._waiting: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}

    def add(self, table: str, *row: Any) -> None:
        self._waiting[table].append(row)

    @property
    def many(self) -> bool:
        return sum(map(len, self._waiting.values())) >= _AT_ONCE

    async def write(self) -> None:
        """Raises Unopened."""
        for table, (sql, kinds) in _TABLES.items():
            rows, self._waiting[table] = self._waiting[table], []
            if not rows:
                continue
            columns = zip(kinds, zip(*rows, strict=True), strict=True)
            arrays = [
                BIGINT.array([self._tenant.id] * len(rows)),
                *(kind.array(column) for kind, column in columns),
            ]
            if (await self._connection.execute(sql, arrays)).rowcount != len(rows):
                raise Unopened
