"""What the rows of the ledger say of each other: sums, running balances, limits, what is held."""

from __future__ import annotations

from guilder_server.kernel.currencies import EXPONENTS
from guilder_server.ledger.domain import chart
from guilder_server.ledger.verification.proof import Proof

_EXPONENTS = "VALUES " + ", ".join(f"('{name}', {places})" for name, places in EXPONENTS.items())

_EACH_TRANSACTION = """
SELECT format('transaction %s of tenant %s sums to %s %s over %s entries',
              t.id, t.tenant_id, coalesce(sum(e.amount), 0), coalesce(a.currency, t.currency),
              count(e.amount))
FROM ledger_transactions t
LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
GROUP BY t.tenant_id, t.id, t.currency, a.currency
HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.amount) < 2
ORDER BY t.tenant_id, t.id LIMIT 1
"""

_ONE_CURRENCY = """
SELECT format('entry %s on account %s of tenant %s: its transaction %s is %s, its account is %s',
              e.version, e.account_id, e.tenant_id, e.transaction_id,
              CASE WHEN t.id IS NULL THEN 'missing' ELSE 'in ' || coalesce(t.currency, '?') END,
              coalesce('in ' || a.currency, 'missing'))
FROM ledger_entries e
LEFT JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
WHERE t.currency <> a.currency OR t.id IS NULL OR a.currency IS NULL
ORDER BY e.tenant_id, e.account_id, e.version LIMIT 1
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
ORDER BY a.tenant_id, a.id LIMIT 1
"""

_RUNNING = """
SELECT format('entry %s on account %s of tenant %s: after entry %s the balance was %s, it adds %s, '
              'and says %s after', version, account_id, tenant_id, last, before, amount, balance)
FROM (
    SELECT tenant_id, account_id, version, amount, balance,
           coalesce(lag(balance) OVER w, 0) AS before,
           coalesce(lag(version) OVER w, 0) AS last
    FROM ledger_entries WINDOW w AS (PARTITION BY tenant_id, account_id ORDER BY version)
) run
WHERE balance <> before + amount OR version <> last + 1
ORDER BY tenant_id, account_id, version LIMIT 1
"""

# What callers said they post, beside what was posted; both are kept, and must agree.
_AS_SAID = """
SELECT format('transaction %s of tenant %s was to move %s on account %s, its entries move %s',
              id, tenant_id, said, account, posted)
FROM (
    SELECT tenant_id, id, account, sum(said) AS said, sum(posted) AS posted FROM (
        SELECT t.tenant_id, t.id, side.account, side.amount AS said, 0 AS posted
        FROM ledger_transactions t CROSS JOIN jsonb_array_elements(t.pairs) pair
        CROSS JOIN LATERAL (VALUES
            (pair ->> 0, (pair ->> 2)::bigint), (pair ->> 1, -(pair ->> 2)::bigint)
        ) side (account, amount)
        UNION ALL
        SELECT e.tenant_id, e.transaction_id, a.public_id, 0, e.amount
        FROM ledger_entries e
        JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
        JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
        WHERE t.pairs IS NOT NULL
    ) sides GROUP BY 1, 2, 3
) moved
WHERE said <> posted ORDER BY tenant_id, id LIMIT 1
"""

# With integers alone: the exact amount times `scale`, against what was bought times `scale`.
_EXCHANGED = f"""
SELECT format('transaction %s of tenant %s says that it sold %s %s for %s %s at %s/%s, rounded %s; '
              'its entries moved %s and %s of %s currencies', id, tenant_id, sold_amount, sold,
              bought_amount, bought, numerator, denominator, coalesce(rounding, 'not at all'),
              coalesce(sold_moved, 0), coalesce(bought_moved, 0), currencies)
FROM (
    SELECT m.*, m.denominator * power(10::numeric, s.exponent) AS scale,
           m.sold_amount * m.numerator * power(10::numeric, b.exponent)
               - m.bought_amount * m.denominator * power(10::numeric, s.exponent) AS beyond
    FROM (
        SELECT t.tenant_id, t.id, x.*, count(DISTINCT a.currency) AS currencies,
               sum(e.amount) FILTER (WHERE e.amount > 0 AND a.currency = x.sold) AS sold_moved,
               sum(e.amount) FILTER (WHERE e.amount > 0 AND a.currency = x.bought) AS bought_moved
        FROM ledger_transactions t
        CROSS JOIN LATERAL jsonb_to_record(t.exchange) AS x (
            sold text, bought text, sold_amount numeric, bought_amount numeric,
            numerator numeric, denominator numeric, rounding text
        )
        LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
        WHERE t.exchange IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) m
    LEFT JOIN ({_EXPONENTS}) s (currency, exponent) ON s.currency = m.sold
    LEFT JOIN ({_EXPONENTS}) b (currency, exponent) ON b.currency = m.bought
) x
WHERE NOT coalesce(
    currencies = 2 AND sold_moved = sold_amount AND bought_moved = bought_amount
    AND numerator > 0 AND denominator > 0 AND gcd(numerator, denominator) = 1
    AND CASE rounding
        WHEN 'down' THEN beyond >= 0 AND beyond < scale
        WHEN 'up' THEN beyond <= 0 AND beyond > -scale
        WHEN 'half_even' THEN 2 * abs(beyond) < scale
            OR 2 * abs(beyond) = scale AND bought_amount % 2 = 0
        ELSE rounding IS NULL AND beyond = 0 END,
    false
)
ORDER BY tenant_id, id LIMIT 1
"""  # noqa: S608 - constants of this package

_HELD = f"""
SELECT format('account %s (%s) of tenant %s holds debits of %s and credits of %s, its pending '
              'transactions hold %s and %s', code, currency, tenant_id, held_debits, held_credits,
              debits, credits)
FROM (
    SELECT a.*, coalesce(h.debits, 0) AS debits, coalesce(h.credits, 0) AS credits
    FROM ledger_accounts a
    LEFT JOIN (
        SELECT tenant_id, account, sum(debit) AS debits, sum(credit) AS credits FROM (
            SELECT h.tenant_id, side.account, side.debit, side.credit
            FROM ledger_holds h CROSS JOIN jsonb_array_elements(h.pairs) pair
            CROSS JOIN LATERAL (VALUES
                (pair ->> 0, (pair ->> 2)::bigint, 0), (pair ->> 1, 0, (pair ->> 2)::bigint)
            ) side (account, debit, credit)
            WHERE h.status = 'pending'
            UNION ALL
            SELECT h.tenant_id, w.ledger_account_id, h.amount_held, 0
            FROM wallet_holds h JOIN wallets w ON w.tenant_id = h.tenant_id AND w.id = h.wallet_id
        ) holding GROUP BY 1, 2
    ) h ON h.tenant_id = a.tenant_id AND h.account = a.public_id
    WHERE NOT starts_with(a.code, '{chart.MEMO}')
) held
WHERE held_debits <> debits OR held_credits <> credits ORDER BY tenant_id, id LIMIT 1
"""  # noqa: S608 - a constant of this package

# Once it is posted, a hold stands in the ledger under its id; before and otherwise it does not.
_ENDED = """
SELECT format('transaction %s of tenant %s was held and is %s, and in the ledger it %s', h.id,
              h.tenant_id, h.status, CASE WHEN t.id IS NULL THEN 'is not' ELSE 'is' END)
FROM ledger_holds h
LEFT JOIN ledger_transactions t ON t.tenant_id = h.tenant_id AND t.id = h.id
WHERE (h.status = 'posted') <> (t.id IS NOT NULL)
ORDER BY h.tenant_id, h.id LIMIT 1
"""

_FLOORS = """
SELECT format('account %s (%s) of tenant %s is at %s, outside its limits of %s and %s',
              code, currency, tenant_id, normal, coalesce(floor::text, 'none'),
              coalesce(ceiling::text, 'none'))
FROM (
    SELECT *, CASE normal_side WHEN 'debit' THEN balance ELSE -balance END AS normal
    FROM ledger_accounts
) a
WHERE normal < floor OR normal > ceiling
ORDER BY tenant_id, id LIMIT 1
"""

# What was opened has its limits and its holder's words in a row of its own; what has none belongs
# to payments.
_AS_OPENED = f"""
SELECT format('account %s (%s) of tenant %s %s', coalesce(a.code, p.code),
              coalesce(a.currency, p.currency), coalesce(a.tenant_id, p.tenant_id),
              CASE WHEN a.id IS NULL THEN 'was opened and is gone'
                   WHEN p.id IS NULL THEN 'was opened by nobody'
                   WHEN p.status = 'closed' AND (a.balance, a.held_debits, a.held_credits)
                        <> (0, 0, 0) THEN 'is closed and not empty'
                   ELSE 'is not as it was opened: ' || concat_ws(', ', p.code, p.currency,
                        p.normal_side, p.floor, p.ceiling) END)
FROM ledger_accounts a
FULL JOIN ledger_profiles p ON p.tenant_id = a.tenant_id AND p.id = a.public_id
WHERE a.id IS NULL
   OR p.id IS NULL AND NOT (a.code || '/') ^@ ANY (ARRAY{list(chart.RESERVED)})
   OR p.id IS NOT NULL AND (a.code, a.currency, a.normal_side, a.floor, a.ceiling)
        IS DISTINCT FROM (p.code, p.currency, p.normal_side, p.floor, p.ceiling)
   OR p.status = 'closed' AND (a.balance, a.held_debits, a.held_credits) <> (0, 0, 0)
ORDER BY 1 LIMIT 1
"""  # noqa: S608 - constants of this package

_IN_TIME = """
SELECT format('entry %s on account %s of tenant %s was posted at %s and counts from %s: the one '
              'before it was posted at %s, its transaction counts from %s, and the last one of the '
              'account at %s', version, account_id, tenant_id, posted_at,
              coalesce(effective_at, posted_at), before, coalesce(said, posted_at), latest)
FROM (
    SELECT e.*, t.effective_at AS said, a.posted_at AS latest, a.version AS entries,
           lag(e.posted_at) OVER (PARTITION BY e.tenant_id, e.account_id ORDER BY e.version)
               AS before
    FROM ledger_entries e
    JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
) run
WHERE posted_at < before OR effective_at IS DISTINCT FROM said
   OR posted_at > latest OR version = entries AND posted_at <> latest
ORDER BY tenant_id, account_id, version LIMIT 1
"""

_REVERSED = """
SELECT format('transaction %s of tenant %s moved %s, says %s reversed, and its reversals moved '
              '%s', id, tenant_id, coalesce(o.amount::text, 'nothing'), coalesce(r.amount, 0),
              coalesce(m.amount, 0))
FROM (
    SELECT r.tenant_id, r.id, r.whole, sum(part::bigint) AS amount
    FROM ledger_reversals r CROSS JOIN jsonb_array_elements_text(r.reversed) part GROUP BY 1, 2, 3
) r
FULL JOIN (
    SELECT t.tenant_id, t.reverses AS id, sum((pair ->> 2)::bigint) AS amount
    FROM ledger_transactions t CROSS JOIN jsonb_array_elements(t.pairs) pair
    WHERE t.reverses IS NOT NULL GROUP BY 1, 2
) m USING (tenant_id, id)
LEFT JOIN (
    SELECT t.tenant_id, t.id, sum((pair ->> 2)::bigint) AS amount
    FROM ledger_transactions t CROSS JOIN jsonb_array_elements(t.pairs) pair GROUP BY 1, 2
) o USING (tenant_id, id)
WHERE r.amount IS DISTINCT FROM m.amount OR o.amount IS NULL OR r.amount > o.amount
   OR r.whole <> (r.amount = o.amount)
ORDER BY tenant_id, id LIMIT 1
"""

_REFERENCES = """
SELECT format('reference %s of tenant %s is kept for the transaction %s and stands on %s',
              coalesce(r.id, t.reference), coalesce(r.tenant_id, t.tenant_id),
              coalesce(r.transaction_id, 'none'), coalesce(t.id, 'none'))
FROM ledger_references r
FULL JOIN (
    SELECT tenant_id, reference, id FROM ledger_transactions WHERE reference IS NOT NULL
    UNION SELECT tenant_id, reference, id FROM ledger_holds WHERE reference IS NOT NULL
) t ON t.tenant_id = r.tenant_id AND t.reference = r.id AND t.id = r.transaction_id
WHERE r.id IS NULL OR t.id IS NULL
ORDER BY 1 LIMIT 1
"""

PROOFS = (
    # Before the sums, which would name the transactions of an account that was altered.
    Proof("every entry is in the currency of its transaction and its account", _ONE_CURRENCY),
    Proof("every account is as it was opened", _AS_OPENED),
    Proof("every transaction sums to zero", _EACH_TRANSACTION),
    Proof("every balance is the sum of its entries", _EACH_BALANCE),
    Proof("running balances follow one another without a gap", _RUNNING),
    Proof("entries follow one another in time", _IN_TIME),
    Proof("what callers posted is what they said", _AS_SAID),
    Proof("every exchange is what its entries moved, at its rate", _EXCHANGED),
    Proof("what is reversed was taken back", _REVERSED),
    Proof("every reference is of one transaction", _REFERENCES),
    Proof("what is held is what pending transactions hold", _HELD),
    Proof("what was held is in the ledger once it is posted", _ENDED),
    Proof("no account is below its floor or above its ceiling", _FLOORS),
)
