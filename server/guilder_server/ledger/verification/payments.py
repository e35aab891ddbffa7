"""What payments report is what the ledger holds."""

from __future__ import annotations

from guilder_server.ledger.domain import chart
from guilder_server.ledger.verification.proof import Proof

# What reached the gateway (above zero) or left it (below) for each charge and each refund, or, of
# what was paid out of a wallet, left the wallet or came back.
_GROSS = f"""
    SELECT t.tenant_id, t.source, t.currency, sum(e.amount) AS amount
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE starts_with(a.code, '{chart.GATEWAY}') OR starts_with(a.code, '{chart.WALLET}')
    GROUP BY 1, 2, 3
"""  # noqa: S608 - constants of this package

# What was imported has its cause where it was exported.
ELSEWHERE = """
    SELECT b.tenant_id, own.id FROM ledger_imports i
    JOIN ledger_blocks b ON b.tenant_id = i.tenant_id AND b.position <= i.position
    CROSS JOIN LATERAL unnest(string_to_array(b.transactions, ' ')) own(id)
"""

_EXPLAINED = f"""
SELECT format('transaction %s of tenant %s has the source %s, which is not there',
              t.id, t.tenant_id, t.source)
FROM ledger_transactions t
LEFT JOIN (
    SELECT tenant_id, id FROM charges UNION ALL SELECT tenant_id, id FROM refunds
    UNION ALL SELECT tenant_id, id FROM wallet_transfers
    UNION ALL SELECT tenant_id, id FROM wallet_holds
    UNION ALL SELECT tenant_id, id FROM wallet_top_ups
    UNION ALL SELECT tenant_id, id FROM payouts
) source ON source.tenant_id = t.tenant_id AND source.id = t.source
LEFT JOIN ({ELSEWHERE}) elsewhere ON elsewhere.tenant_id = t.tenant_id AND elsewhere.id = t.id
WHERE source.id IS NULL AND t.pairs IS NULL AND elsewhere.id IS NULL
ORDER BY t.tenant_id, t.id LIMIT 1
"""  # noqa: S608 - a constant of this package

_NAMED = """
SELECT format('%s of tenant %s names the transaction %s, which is not in the ledger for it',
              p.id, p.tenant_id, p.transaction_id)
FROM (
    SELECT tenant_id, id, balance_transaction_id AS transaction_id FROM charges
    UNION ALL SELECT tenant_id, id, balance_transaction_id FROM refunds
    UNION ALL SELECT tenant_id, id, failure_balance_transaction_id FROM refunds
) p
LEFT JOIN ledger_transactions t
    ON t.tenant_id = p.tenant_id AND t.id = p.transaction_id AND t.source = p.id
WHERE p.transaction_id IS NOT NULL AND t.id IS NULL
ORDER BY p.tenant_id, p.id LIMIT 1
"""

_CAPTURED = f"""
SELECT format('charge %s of tenant %s says %s %s captured, the ledger holds %s for it',
              c.id, c.tenant_id, c.amount_captured, c.currency, coalesce(g.amount, 0))
FROM charges c
LEFT JOIN ({_GROSS}) g
    ON g.tenant_id = c.tenant_id AND g.source = c.id AND g.currency = c.currency
WHERE c.amount_captured <> coalesce(g.amount, 0)
ORDER BY c.tenant_id, c.id LIMIT 1
"""  # noqa: S608

_RECEIVED = """
SELECT format('payment intent %s of tenant %s says %s %s received, its charges captured %s',
              p.id, p.tenant_id, p.amount_received, p.currency, coalesce(c.captured, 0))
FROM payment_intents p
LEFT JOIN (
    SELECT tenant_id, payment_intent_id, currency, sum(amount_captured) AS captured
    FROM charges WHERE payment_intent_id IS NOT NULL GROUP BY 1, 2, 3
) c ON c.tenant_id = p.tenant_id AND c.payment_intent_id = p.id AND c.currency = p.currency
WHERE p.amount_received <> coalesce(c.captured, 0)
ORDER BY p.tenant_id, p.id LIMIT 1
"""

# A refund that failed or was canceled has given nothing back: its reversal is in the ledger too.
_GIVEN_BACK = f"""
SELECT format('refund %s of tenant %s is %s with %s %s, the ledger gave back %s for it',
              r.id, r.tenant_id, r.status, r.amount, r.currency, coalesce(-g.amount, 0))
FROM refunds r
LEFT JOIN ({_GROSS}) g
    ON g.tenant_id = r.tenant_id AND g.source = r.id AND g.currency = r.currency
WHERE CASE WHEN r.status IN ('failed', 'canceled') THEN 0 ELSE r.amount END
    <> coalesce(-g.amount, 0)
ORDER BY r.tenant_id, r.id LIMIT 1
"""  # noqa: S608

_REFUNDED = f"""
SELECT format('charge %s of tenant %s says %s %s refunded, the ledger gave back %s for it',
              c.id, c.tenant_id, c.amount_refunded, c.currency, coalesce(r.amount, 0))
FROM charges c
LEFT JOIN (
    SELECT f.tenant_id, f.charge_id, g.currency, -sum(g.amount) AS amount
    FROM refunds f JOIN ({_GROSS}) g ON g.tenant_id = f.tenant_id AND g.source = f.id
    GROUP BY 1, 2, 3
) r ON r.tenant_id = c.tenant_id AND r.charge_id = c.id AND r.currency = c.currency
WHERE c.amount_refunded <> coalesce(r.amount, 0)
ORDER BY c.tenant_id, c.id LIMIT 1
"""  # noqa: S608

PROOFS = (
    Proof("every transaction has its cause", _EXPLAINED),
    Proof("every transaction that a payment names is its own", _NAMED),
    Proof("what charges captured is in the ledger", _CAPTURED),
    Proof("what payment intents received was captured", _RECEIVED),
    Proof("what refunds gave back left the ledger", _GIVEN_BACK),
    Proof("what charges refunded left the ledger", _REFUNDED),
)
