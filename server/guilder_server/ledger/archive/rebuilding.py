"""What of imported books follows from the rest of them, and the proof that they add up."""

from __future__ import annotations

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.archive.lines import Wrong
from guilder_server.ledger.verification import arithmetic
from guilder_server.ledger.verification.run import WHOLE_TABLES
from guilder_server.postgres.pool import Connection

_TABLES = (
    *("ledger_accounts", "ledger_profiles", "ledger_transactions", "ledger_entries"),
    *("ledger_blocks", "ledger_holds", "ledger_references", "ledger_reversals"),
    *("ledger_checkpoints", "ledger_imports"),
)
_BALANCES = """
UPDATE ledger_accounts a
SET balance = e.balance, version = e.version, posted_at = e.posted_at
FROM (
    SELECT DISTINCT ON (account_id) account_id, balance, version, posted_at FROM ledger_entries
    WHERE tenant_id = %(tenant)s ORDER BY account_id, version DESC
) e WHERE a.tenant_id = %(tenant)s AND a.id = e.account_id
"""
_HELD = """
UPDATE ledger_accounts a SET held_debits = h.debits, held_credits = h.credits
FROM (
    SELECT side.account, sum(side.debit)::bigint AS debits, sum(side.credit)::bigint AS credits
    FROM ledger_holds h CROSS JOIN jsonb_array_elements(h.pairs) pair
    CROSS JOIN LATERAL (VALUES
        (pair ->> 0, (pair ->> 2)::bigint, 0::bigint), (pair ->> 1, 0, (pair ->> 2)::bigint)
    ) side (account, debit, credit)
    WHERE h.tenant_id = %(tenant)s AND h.status = 'pending' GROUP BY 1
) h WHERE a.tenant_id = %(tenant)s AND a.public_id = h.account
"""
# One that was held first has its word from then on.
_REFERENCES = """
INSERT INTO ledger_references (tenant_id, id, version, created, transaction_id)
SELECT %(tenant)s, reference, 1, min(created), id FROM (
    SELECT reference, created, id FROM ledger_transactions
    WHERE tenant_id = %(tenant)s AND reference IS NOT NULL
    UNION ALL
    SELECT reference, created, id FROM ledger_holds
    WHERE tenant_id = %(tenant)s AND reference IS NOT NULL
) said GROUP BY reference, id
"""
# A part is only reversed of a transaction with one posting; of any other the whole.
_REVERSALS = """
INSERT INTO ledger_reversals (tenant_id, id, version, created, reversed, whole)
SELECT %(tenant)s, t.id, r.times, r.first,
       CASE WHEN jsonb_array_length(t.pairs) = 1 THEN jsonb_build_array(r.amount) ELSE o.parts END,
       r.amount = o.amount
FROM (
    SELECT back.reverses, count(DISTINCT back.id) AS times, min(back.created) AS first,
           sum((pair ->> 2)::bigint)::bigint AS amount
    FROM ledger_transactions back CROSS JOIN jsonb_array_elements(back.pairs) pair
    WHERE back.tenant_id = %(tenant)s AND back.reverses IS NOT NULL GROUP BY 1
) r
JOIN ledger_transactions t ON t.tenant_id = %(tenant)s AND t.id = r.reverses
CROSS JOIN LATERAL (
    SELECT jsonb_agg((pair ->> 2)::bigint ORDER BY place) AS parts,
           sum((pair ->> 2)::bigint)::bigint AS amount
    FROM jsonb_array_elements(t.pairs) WITH ORDINALITY pairs(pair, place)
) o
"""
_KEPT = """
INSERT INTO ledger_imports (tenant_id, position, head, created)
VALUES (%(tenant)s, %(position)s, %(head)s, now())
"""


async def refuse_used(connection: Connection, tenant: Tenant) -> None:
    """Raises Wrong if the tenant has a row of a ledger."""
    for table in _TABLES:
        query = f"SELECT FROM {table} WHERE tenant_id = %s LIMIT 1"
        if await (await connection.execute(query, [tenant.id])).fetchone() is not None:
            raise Wrong(
                f"{tenant.account} has a ledger already. Import into an account that nothing was "
                "posted to and that has no ledger accounts."
            )


async def rebuild(connection: Connection, tenant: Tenant, position: int, head: bytes) -> None:
    for table in _TABLES:
        # Rows that came in this transaction are not in the statistics yet.
        await connection.execute(f"ANALYZE {table}")
    values = {"tenant": tenant.id, "position": position, "head": head}
    for statement in (_BALANCES, _HELD, _REFERENCES, _REVERSALS, _KEPT):
        await connection.execute(statement, values)


async def prove(connection: Connection, tenant: Tenant) -> None:
    """Carries out the proofs on a ledger that is this tenant's alone. Raises Wrong."""
    await connection.execute(WHOLE_TABLES)
    for table in _TABLES:
        # For what follows, the table of that name is this view.
        await connection.execute(
            f"CREATE TEMPORARY VIEW {table} AS SELECT * FROM {table} "  # noqa: S608
            f"WHERE tenant_id = {tenant.id:d}"
        )
    for proof in arithmetic.PROOFS:
        row = await (await connection.execute(proof.differences)).fetchone()
        if row is not None:
            raise Wrong(f"The books do not add up: {row[0]}. Nothing was imported.")
    for table in _TABLES:
        await connection.execute(f"DROP VIEW pg_temp.{table}")
