-- Fifty thousand captured charges of one merchant: two entries each, on one account of the gateway
-- and forty of the merchant's.

INSERT INTO ledger_accounts (tenant_id, id, code, currency, normal_side, balance, version,
    public_id, created, posted_at, held_debits, held_credits)
SELECT 1, 1, 'gateway/sandbox', 'usd', 'debit', 50000 * 100, 50000,
    'la_1', now(), now(), 0, 0
UNION ALL
SELECT 1, 2 + day, 'merchant/' || (date '2026-11-20' + day), 'usd', 'credit', -1250 * 100, 1250,
    'la_' || 2 + day, now(), now(), 0, 0
FROM generate_series(0, 39) AS day;

INSERT INTO charges (tenant_id, id, version, created, status, amount, currency, gateway, instrument,
    card, amount_captured, amount_refunded, captured, released, fraud_details, metadata,
    balance_transaction_id)
SELECT 1, 'ch_' || n, 1, now(), 'succeeded', 100, 'usd', 'sandbox', 'card',
    '{}', 100, 0, true, false, '{}', '{}', 'txn_' || n
FROM generate_series(1, 50000) AS n;

INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, currency)
SELECT 1, 'txn_' || n, 'charge', 'ch_' || n, now(), now(), 'usd'
FROM generate_series(1, 50000) AS n;

INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, balance,
    posted_at)
SELECT 1, 1, n, 'txn_' || n, 100, 100 * n, now() FROM generate_series(1, 50000) AS n
UNION ALL
SELECT 1, 2 + n % 40, 1 + n / 40, 'txn_' || n + 1, -100, -100 * (1 + n / 40), now()
FROM generate_series(0, 49999) AS n;
