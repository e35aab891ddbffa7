"""`guilder ledger verify`: proves, from the rows alone, that no cent is lost or invented.

Each proof is one statement that looks for a difference and would return it. They run in one
repeatable-read snapshot, so that payments may go on meanwhile.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import psycopg

from guilder_server.ledger.domain import chart


@dataclass(frozen=True, slots=True)
class Proof:
    """`claim` holds if `differences` returns no row; each row it returns is a sentence."""

    claim: str
    differences: str


_EACH_TRANSACTION = """
SELECT format('transaction %s of tenant %s sums to %s %s',
              t.id, t.tenant_id, coalesce(sum(e.amount), 0), t.currency)
FROM ledger_transactions t
LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
GROUP BY t.tenant_id, t.id, t.currency
HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.amount) < 2
LIMIT 1
"""

_ONE_CURRENCY = """
SELECT format('transaction %s of tenant %s is in %s, but touches an account in %s',
              t.id, t.tenant_id, t.currency, a.currency)
FROM ledger_entries e
JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
WHERE t.currency <> a.currency
LIMIT 1
"""

_EACH_BALANCE = """
SELECT format('account %s (%s) of tenant %s says %s after %s entries, its entries say %s after %s',
              a.code, a.currency, a.tenant_id, a.balance, a.version,
              coalesce(e.total, 0), coalesce(e.entries, 0))
FROM ledger_accounts a
LEFT JOIN (
    SELECT tenant_id, account_id, sum(amount) AS total, count(*) AS entries
    FROM ledger_entries GROUP BY 1, 2
) e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
WHERE a.balance <> coalesce(e.total, 0) OR a.version <> coalesce(e.entries, 0)
LIMIT 1
"""

_RUNNING = """
SELECT format('entry %s on account %s of tenant %s: the balance before it was %s, it adds %s, '
              'and says %s after', version, account_id, tenant_id, before, amount, balance)
FROM (
    SELECT tenant_id, account_id, version, amount, balance,
           coalesce(lag(balance) OVER w, 0) AS before,
           coalesce(lag(version) OVER w, 0) AS last
    FROM ledger_entries WINDOW w AS (PARTITION BY tenant_id, account_id ORDER BY version)
) run
WHERE balance <> before + amount OR version <> last + 1
LIMIT 1
"""

# What left and reached the gateway under each charge and refund, against what they say.
_GROSS = f"""
    SELECT t.tenant_id, t.source, sum(e.amount) AS amount
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE starts_with(a.code, '{chart.GATEWAY}') GROUP BY 1, 2
"""  # noqa: S608 - a constant of this package

_CAPTURED = f"""
SELECT format('charge %s of tenant %s says %s captured, the ledger holds %s for it',
              c.id, c.tenant_id, c.amount_captured, coalesce(g.amount, 0))
FROM charges c
LEFT JOIN ({_GROSS}) g ON g.tenant_id = c.tenant_id AND g.source = c.id
WHERE c.amount_captured <> coalesce(g.amount, 0)
LIMIT 1
"""  # noqa: S608

_RECEIVED = """
SELECT format('payment intent %s of tenant %s says %s received, its charges captured %s',
              p.id, p.tenant_id, p.amount_received, coalesce(c.captured, 0))
FROM payment_intents p
LEFT JOIN (
    SELECT tenant_id, payment_intent_id, sum(amount_captured) AS captured
    FROM charges WHERE payment_intent_id IS NOT NULL GROUP BY 1, 2
) c ON c.tenant_id = p.tenant_id AND c.payment_intent_id = p.id
WHERE p.amount_received <> coalesce(c.captured, 0)
LIMIT 1
"""

_REFUNDED = f"""
SELECT format('charge %s of tenant %s says %s refunded, the ledger gave back %s for it',
              c.id, c.tenant_id, c.amount_refunded, coalesce(r.amount, 0))
FROM charges c
LEFT JOIN (
    SELECT f.tenant_id, f.charge_id, -sum(g.amount) AS amount
    FROM refunds f JOIN ({_GROSS}) g ON g.tenant_id = f.tenant_id AND g.source = f.id
    GROUP BY 1, 2
) r ON r.tenant_id = c.tenant_id AND r.charge_id = c.id
WHERE c.amount_refunded <> coalesce(r.amount, 0)
LIMIT 1
"""  # noqa: S608

_EXPLAINED = """
SELECT format('transaction %s of tenant %s has the source %s, which is no charge and no refund',
              t.id, t.tenant_id, t.source)
FROM ledger_transactions t
LEFT JOIN charges c ON c.tenant_id = t.tenant_id AND c.id = t.source
LEFT JOIN refunds r ON r.tenant_id = t.tenant_id AND r.id = t.source
WHERE c.id IS NULL AND r.id IS NULL
LIMIT 1
"""

PROOFS = (
    Proof("every transaction sums to zero", _EACH_TRANSACTION),
    Proof("every transaction stays in its currency", _ONE_CURRENCY),
    Proof("every balance is the sum of its entries", _EACH_BALANCE),
    Proof("running balances follow one another without a gap", _RUNNING),
    Proof("every transaction has its cause", _EXPLAINED),
    Proof("what charges captured is in the ledger", _CAPTURED),
    Proof("what payment intents received was captured", _RECEIVED),
    Proof("what charges refunded left the ledger", _REFUNDED),
)

_CURRENCIES = """
SELECT a.currency, count(DISTINCT (a.tenant_id, a.id)), count(e.amount),
       coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
       coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0)
FROM ledger_accounts a
LEFT JOIN ledger_entries e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
GROUP BY 1 ORDER BY 1
"""


async def verify(database_url: str) -> int:
    """Print what was checked; 1 at the first difference, which is named."""
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        for row in await (await connection.execute(_CURRENCIES)).fetchall():
            currency, accounts, entries, debits, credits_ = row
            print(
                f"{currency}: {accounts} accounts, {entries} entries, "
                f"debits {debits}, credits {credits_}"
            )
        for proof in PROOFS:
            found = await (await connection.execute(proof.differences)).fetchone()
            if found is not None:
                print(f"FAILED  {proof.claim}")
                print(f"guilder: {found[0]}", file=sys.stderr)
                return 1
            print(f"ok      {proof.claim}")
    print("The ledger is sound.")
    return 0
