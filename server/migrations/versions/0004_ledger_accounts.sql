ALTER TABLE ledger_accounts ADD COLUMN ceiling BIGINT;
ALTER TABLE ledger_accounts ADD COLUMN public_id TEXT COLLATE "C";
ALTER TABLE ledger_accounts ADD COLUMN created TIMESTAMP WITH TIME ZONE;
ALTER TABLE ledger_accounts ADD COLUMN posted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE ledger_accounts ADD COLUMN held_debits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_accounts ADD COLUMN held_credits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_accounts ALTER COLUMN held_debits DROP DEFAULT;
ALTER TABLE ledger_accounts ALTER COLUMN held_credits DROP DEFAULT;
COMMENT ON COLUMN ledger_accounts.held_debits IS 'of pending transactions';
COMMENT ON COLUMN ledger_accounts.held_credits IS 'of pending transactions';
ALTER TABLE ledger_accounts ADD UNIQUE (tenant_id, public_id);
COMMENT ON COLUMN ledger_accounts.ceiling IS 'most on the normal side; null: none';
COMMENT ON COLUMN ledger_accounts.posted_at IS 'of the last entry';

ALTER TABLE ledger_transactions ALTER COLUMN currency DROP NOT NULL;
ALTER TABLE ledger_transactions ADD COLUMN effective_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE ledger_transactions ADD COLUMN reference TEXT COLLATE "C";
ALTER TABLE ledger_transactions ADD COLUMN reverses TEXT COLLATE "C";
ALTER TABLE ledger_transactions ADD COLUMN metadata JSONB;
ALTER TABLE ledger_transactions ADD COLUMN pairs JSONB;
COMMENT ON COLUMN ledger_transactions.currency IS 'null: several';
COMMENT ON COLUMN ledger_transactions.effective_at IS 'null: when it was made';
COMMENT ON COLUMN ledger_transactions.reference IS 'the caller''s word for it';
COMMENT ON COLUMN ledger_transactions.pairs IS 'debited, credited, amount, as the caller said them';

ALTER TABLE ledger_entries ADD COLUMN posted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE ledger_entries ADD COLUMN effective_at TIMESTAMP WITH TIME ZONE;
-- Never before the entry before it, as entries are numbered in the order in which they were posted.
UPDATE ledger_entries e SET posted_at = p.posted_at FROM (
    SELECT x.tenant_id, x.account_id, x.version, max(t.created) OVER (
        PARTITION BY x.tenant_id, x.account_id ORDER BY x.version
    ) AS posted_at
    FROM ledger_entries x
    JOIN ledger_transactions t ON t.tenant_id = x.tenant_id AND t.id = x.transaction_id
) p WHERE p.tenant_id = e.tenant_id AND p.account_id = e.account_id AND p.version = e.version;
ALTER TABLE ledger_entries ALTER COLUMN posted_at SET NOT NULL;
UPDATE ledger_accounts a
SET public_id = 'la_' || lpad(a.id::text, 24, '0'), created = coalesce(e.first, now()), posted_at = coalesce(e.last, now())
FROM ledger_accounts x
LEFT JOIN (
    SELECT tenant_id, account_id, min(posted_at) AS first, max(posted_at) AS last FROM ledger_entries GROUP BY 1, 2
) e ON e.tenant_id = x.tenant_id AND e.account_id = x.id
WHERE x.tenant_id = a.tenant_id AND x.id = a.id;
ALTER TABLE ledger_accounts ALTER COLUMN public_id SET NOT NULL;
ALTER TABLE ledger_accounts ALTER COLUMN created SET NOT NULL;
ALTER TABLE ledger_accounts ALTER COLUMN posted_at SET NOT NULL;
COMMENT ON COLUMN ledger_entries.posted_at IS 'never decreases';
COMMENT ON COLUMN ledger_entries.effective_at IS 'where it counts from before that';
CREATE INDEX ledger_entries_backdated ON ledger_entries (tenant_id, account_id, effective_at) WHERE effective_at IS NOT NULL;

CREATE TABLE ledger_profiles (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    normal_side TEXT NOT NULL,
    floor BIGINT,
    ceiling BIGINT,
    name TEXT,
    metadata JSONB NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ledger_profiles_code_guard UNIQUE (tenant_id, code)
);

CREATE TABLE ledger_reversals (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    reversed JSONB NOT NULL,
    whole BOOLEAN NOT NULL,
    CONSTRAINT ledger_reversals_guard PRIMARY KEY (tenant_id, id)
);

CREATE TABLE ledger_holds (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    pairs JSONB NOT NULL,
    description TEXT,
    reference TEXT COLLATE "C",
    metadata JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ledger_holds_expiring ON ledger_holds (expires_at) WHERE status = 'pending' AND expires_at IS NOT NULL;

CREATE TABLE ledger_references (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT ledger_references_guard PRIMARY KEY (tenant_id, id)
);
