CREATE TABLE wallets (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    floor BIGINT NOT NULL,
    ledger_account_id TEXT COLLATE "C" NOT NULL,
    customer_id TEXT COLLATE "C",
    name TEXT,
    limits JSONB NOT NULL,
    metadata JSONB NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX wallets_customer ON wallets (tenant_id, customer_id, id) WHERE customer_id IS NOT NULL;

CREATE TABLE wallet_transfers (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    wallet_id TEXT COLLATE "C" NOT NULL,
    destination_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,
    description TEXT,
    metadata JSONB NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX wallet_transfers_wallet ON wallet_transfers (tenant_id, wallet_id, id);

CREATE TABLE wallet_holds (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    wallet_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    amount_held BIGINT NOT NULL,
    amount_captured BIGINT NOT NULL,
    currency TEXT NOT NULL,
    counted BOOLEAN NOT NULL,
    destination_id TEXT COLLATE "C",
    payment_intent_id TEXT COLLATE "C",
    description TEXT,
    metadata JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT wallet_holds_amounts CHECK (
        amount_held >= 0 AND amount_captured >= 0 AND amount_held + amount_captured <= amount
    )
);
CREATE INDEX wallet_holds_expiring ON wallet_holds (expires_at)
    WHERE status = 'held' AND expires_at IS NOT NULL;
CREATE INDEX wallet_holds_wallet ON wallet_holds (tenant_id, wallet_id, id);
COMMENT ON COLUMN wallet_holds.amount_held IS 'still';
COMMENT ON COLUMN wallet_holds.counted IS 'against the wallet''s limits';

CREATE TABLE wallet_top_ups (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    wallet_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    amount_reversed BIGINT NOT NULL,
    currency TEXT NOT NULL,
    payment_intent_id TEXT COLLATE "C" NOT NULL,
    charge_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT wallet_top_ups_amounts CHECK (amount_reversed BETWEEN 0 AND amount),
    CONSTRAINT wallet_top_ups_charge_guard UNIQUE (tenant_id, charge_id)
);
CREATE INDEX wallet_top_ups_wallet ON wallet_top_ups (tenant_id, wallet_id, id);


ALTER TABLE payment_intents
    ADD COLUMN top_up_wallet_id TEXT COLLATE "C",
    ADD COLUMN wallet_id TEXT COLLATE "C",
    ADD COLUMN wallet_amount BIGINT,
    ADD COLUMN wallet_hold_id TEXT COLLATE "C",
    ADD COLUMN wallet_charge_id TEXT COLLATE "C",
    ADD COLUMN authenticated_amount BIGINT;
COMMENT ON COLUMN payment_intents.authenticated_amount IS 'what the customer agreed to';
COMMENT ON COLUMN payment_intents.wallet_amount IS 'to come from it; null: what there is';

ALTER TABLE charges ADD COLUMN top_up_id TEXT COLLATE "C";
