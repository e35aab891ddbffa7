"""That wallets and what is done with them say what the ledger says."""

from __future__ import annotations

from guilder_server.ledger.domain import chart
from guilder_server.ledger.verification.payments import ELSEWHERE
from guilder_server.ledger.verification.proof import Proof

# What each cause should have moved on the account of a wallet: debits, which leave it, above zero.
_MOVED = f"""
SELECT format('%s of tenant %s should have moved %s on account %s, the ledger says %s',
              source, tenant_id, expected, account, moved)
FROM (
    SELECT tenant_id, source, account, sum(expected) AS expected, sum(moved) AS moved FROM (
        SELECT said.tenant_id, said.source, w.ledger_account_id AS account, said.amount AS expected,
               0 AS moved
        FROM (
            SELECT tenant_id, id AS source, wallet_id, amount FROM wallet_transfers
            UNION ALL SELECT tenant_id, id, destination_id, -amount FROM wallet_transfers
            UNION ALL SELECT tenant_id, id, wallet_id, amount_captured FROM wallet_holds
            WHERE payment_intent_id IS NULL
            UNION ALL SELECT tenant_id, id, destination_id, -amount_captured FROM wallet_holds
            WHERE destination_id IS NOT NULL
            UNION ALL SELECT tenant_id, id, wallet_id, amount_reversed - amount FROM wallet_top_ups
            WHERE status <> 'failed'
            UNION ALL SELECT tenant_id, id, instrument, amount_captured FROM charges
            WHERE gateway = 'wallet'
            UNION ALL SELECT tenant_id, id, wallet_id, amount FROM payouts
            WHERE status NOT IN ('failed', 'canceled') OR kept_by IS NOT NULL
        ) said JOIN wallets w ON w.tenant_id = said.tenant_id AND w.id = said.wallet_id
        UNION ALL
        SELECT t.tenant_id, t.source, a.public_id, 0, e.amount
        FROM ledger_transactions t
        JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
        LEFT JOIN refunds r ON r.tenant_id = t.tenant_id AND r.id = t.source
        LEFT JOIN ({ELSEWHERE}) elsewhere
            ON elsewhere.tenant_id = t.tenant_id AND elsewhere.id = t.id
        WHERE starts_with(a.code, '{chart.WALLET}') AND r.id IS NULL AND elsewhere.id IS NULL
    ) sides GROUP BY 1, 2, 3
) both_sides
WHERE expected <> moved ORDER BY tenant_id, source LIMIT 1
"""  # noqa: S608 - a constant of this package

_NAMED = """
SELECT format('transfer %s of tenant %s in %s names the transaction %s, which did not move it',
              w.id, w.tenant_id, w.currency, w.transaction_id)
FROM wallet_transfers w
LEFT JOIN ledger_transactions t ON t.tenant_id = w.tenant_id AND t.id = w.transaction_id
    AND t.source = w.id AND t.currency = w.currency
WHERE t.id IS NULL ORDER BY w.tenant_id, w.id LIMIT 1
"""

# Counts of limits hold what holds hold that are counted, on the day and in the month of each.
_COUNTED = f"""
SELECT format('account %s (%s) of tenant %s holds %s, the holds that are counted there hold %s',
              a.code, a.currency, a.tenant_id, a.held_debits, coalesce(h.amount, 0))
FROM ledger_accounts a
LEFT JOIN (
    SELECT h.tenant_id, '{chart.MEMO}wallet/' || h.wallet_id || '/' || p.period AS code,
           h.currency, sum(h.amount_held) AS amount
    FROM wallet_holds h
    CROSS JOIN LATERAL (VALUES
        (to_char(h.created AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
        (to_char(h.created AT TIME ZONE 'UTC', 'YYYY-MM'))
    ) p (period)
    WHERE h.counted GROUP BY 1, 2, 3
) h USING (tenant_id, code, currency)
WHERE starts_with(a.code, '{chart.MEMO}wallet/') AND a.held_debits <> coalesce(h.amount, 0)
ORDER BY a.tenant_id, a.id LIMIT 1
"""  # noqa: S608 - a constant of this package

# Every wallet has its account, and every account of a wallet its wallet, unless it was imported.
_HOUSED = f"""
SELECT format('wallet %s of tenant %s is %s, in %s with a floor of %s; its account %s is in %s, '
              'with a floor of %s and a balance of %s', coalesce(w.id, '(none)'),
              coalesce(w.tenant_id, a.tenant_id), w.status, w.currency, w.floor,
              coalesce(a.code, '(none)'), a.currency, a.floor, -a.balance)
FROM wallets w
FULL JOIN (
    SELECT * FROM ledger_accounts WHERE starts_with(code, '{chart.WALLET}')
) a ON a.tenant_id = w.tenant_id AND a.public_id = w.ledger_account_id
LEFT JOIN ledger_imports i ON i.tenant_id = a.tenant_id
WHERE w.id IS NULL AND i.tenant_id IS NULL OR a.id IS NULL
   OR w.id IS NOT NULL AND (a.code, a.currency, a.floor, a.normal_side)
      IS DISTINCT FROM ('{chart.WALLET}' || w.id, w.currency, w.floor, 'credit')
   OR w.status = 'closed' AND (a.balance, a.held_debits, a.held_credits) <> (0, 0, 0)
ORDER BY 1 LIMIT 1
"""  # noqa: S608 - a constant of this package

PROOFS = (
    Proof("every wallet has its account", _HOUSED),
    Proof("what wallets moved is in the ledger", _MOVED),
    Proof("transfers between wallets name what moved them", _NAMED),
    Proof("limits of wallets count what is held", _COUNTED),
)
