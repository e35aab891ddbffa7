"""What `guilder ledger verify` proves of payouts: their states say where their money is."""

from __future__ import annotations

from guilder_server.ledger.domain import chart
from guilder_server.ledger.verification.proof import Proof

# What was imported has its payouts where it was exported.
_IN_TRANSIT = f"""
SELECT format('%s %s of tenant %s are in transit, the payouts under way come to %s',
              coalesce(a.amount, 0), currency, tenant_id, coalesce(p.amount, 0))
FROM (
    SELECT tenant_id, currency, -sum(balance) AS amount FROM ledger_accounts
    WHERE starts_with(code, '{chart.PAYOUTS}') GROUP BY 1, 2
) a
FULL JOIN (
    SELECT tenant_id, currency, sum(amount) AS amount FROM payouts
    WHERE status IN ('pending', 'in_transit') GROUP BY 1, 2
) p USING (tenant_id, currency)
WHERE coalesce(a.amount, 0) <> coalesce(p.amount, 0)
  AND NOT EXISTS (SELECT FROM ledger_imports i WHERE i.tenant_id = a.tenant_id)
ORDER BY tenant_id, currency LIMIT 1
"""  # noqa: S608 - constants of this package

# What each payout has in transit, what left the gateway for it, and what of it came to the
# merchant; and whether the transactions that it names are its own.
_LEGS = f"""
    SELECT t.tenant_id, t.source,
           sum(-e.amount) FILTER (WHERE starts_with(a.code, '{chart.PAYOUTS}')) AS in_transit,
           sum(-e.amount) FILTER (WHERE a.code = '{chart.GATEWAY}' || p.gateway) AS gone,
           sum(-e.amount) FILTER (WHERE starts_with(a.code, '{chart.MERCHANT}')) AS kept,
           bool_or(t.id = p.transaction_id) AS withdrawn,
           bool_or(t.id = p.kept_by) AS returned
    FROM payouts p
    JOIN ledger_transactions t ON t.tenant_id = p.tenant_id AND t.source = p.id
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    GROUP BY 1, 2
"""  # noqa: S608 - constants of this package

_MOVED = f"""
SELECT format('payout %s of tenant %s is %s with %s %s: the ledger has %s of it in transit, and %s '
              'gone from the gateway', p.id, p.tenant_id, p.status, p.amount, p.currency,
              coalesce(l.in_transit, 0), coalesce(l.gone, 0))
FROM payouts p
LEFT JOIN ({_LEGS}) l ON l.tenant_id = p.tenant_id AND l.source = p.id
WHERE coalesce(l.in_transit, 0)
        <> CASE WHEN p.status IN ('pending', 'in_transit') THEN p.amount ELSE 0 END
   OR coalesce(l.gone, 0) <> CASE p.status WHEN 'paid' THEN p.amount ELSE 0 END
ORDER BY p.tenant_id, p.id LIMIT 1
"""  # noqa: S608 - constants of this package

_NAMED = f"""
SELECT format('payout %s of tenant %s is %s with %s %s and names %s: the ledger gave %s of it to '
              'the merchant', p.id, p.tenant_id, p.status, p.amount, p.currency,
              concat_ws(' and ', p.transaction_id, p.kept_by), coalesce(l.kept, 0))
FROM payouts p
LEFT JOIN ({_LEGS}) l ON l.tenant_id = p.tenant_id AND l.source = p.id
WHERE l.withdrawn IS NOT TRUE OR (p.kept_by IS NOT NULL AND l.returned IS NOT TRUE)
   OR coalesce(l.kept, 0) <> CASE WHEN p.kept_by IS NULL THEN 0 ELSE p.amount END
ORDER BY p.tenant_id, p.id LIMIT 1
"""  # noqa: S608 - constants of this package

PROOFS = (
    Proof("what is in transit is what payouts have under way", _IN_TRANSIT),
    Proof("what payouts moved is what became of them", _MOVED),
    Proof("payouts name what they moved", _NAMED),
)
