CREATE TABLE payouts (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    wallet_id TEXT COLLATE "C" NOT NULL,
    counted BOOLEAN NOT NULL,
    gateway TEXT NOT NULL,
    method TEXT NOT NULL,
    attempt_id TEXT COLLATE "C" NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,
    arrival TIMESTAMP WITH TIME ZONE NOT NULL,
    destination TEXT,
    reference TEXT,
    ask_after TIMESTAMP WITH TIME ZONE,
    failure_code TEXT,
    failure_message TEXT,
    kept_by TEXT COLLATE "C",
    statement_descriptor TEXT,
    description TEXT,
    metadata JSONB NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payouts_amount CHECK (amount > 0)
);
CREATE INDEX payouts_wallet ON payouts (tenant_id, wallet_id, id);
CREATE INDEX payouts_followed ON payouts (ask_after) WHERE ask_after IS NOT NULL;
COMMENT ON COLUMN payouts.amount IS 'in minor units';
COMMENT ON COLUMN payouts.counted IS 'against the wallet''s limits';
