CREATE TABLE organizations (
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT,
    metadata JSONB NOT NULL,
    PRIMARY KEY (id)
);

-- Nobody has said yet which accounts belong together: each gets an organization of its own.
INSERT INTO organizations (id, version, created, name, metadata)
SELECT 'org_' || substr(id, length('acct_') + 1), 1, created, name, '{}' FROM accounts;

ALTER TABLE accounts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN organization_id TEXT COLLATE "C";
UPDATE accounts SET organization_id = 'org_' || substr(id, length('acct_') + 1);
ALTER TABLE accounts ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE accounts ADD FOREIGN KEY (organization_id) REFERENCES organizations (id);
ALTER TABLE accounts ADD COLUMN plan TEXT;
COMMENT ON COLUMN accounts.plan IS 'the default plan, if there is none';
CREATE INDEX accounts_organization ON accounts (organization_id, id);

ALTER TABLE tenants ADD CONSTRAINT tenants_id CHECK (id > 0);

-- An account comes with both of its sides.
INSERT INTO tenants (account_id, livemode)
SELECT accounts.id, mode.livemode FROM accounts CROSS JOIN (VALUES (false), (true)) AS mode (livemode)
ON CONFLICT (account_id, livemode) DO NOTHING;

CREATE TABLE usage_counters (
    tenant_id BIGINT NOT NULL,
    month TEXT COLLATE "C" NOT NULL,
    closed BOOLEAN NOT NULL,
    payments BIGINT NOT NULL,
    payments_pending BIGINT NOT NULL,
    api_calls BIGINT NOT NULL,
    wallets BIGINT NOT NULL,
    webhook_endpoints BIGINT NOT NULL,
    storage_bytes BIGINT NOT NULL,
    reached INTEGER NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, month)
);
CREATE INDEX usage_counters_untold ON usage_counters (tenant_id, month) WHERE reached <> told;
COMMENT ON COLUMN usage_counters.month IS 'such as 2026-11, in UTC';
COMMENT ON COLUMN usage_counters.closed IS 'the next one has begun: nothing is counted here any more';
COMMENT ON COLUMN usage_counters.payments_pending IS 'which a gateway is being asked for';
COMMENT ON COLUMN usage_counters.reached IS 'which marks, a bit for each';
COMMENT ON COLUMN usage_counters.told IS 'of which marks an event tells';

CREATE TABLE usage_notices (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    month TEXT COLLATE "C" NOT NULL,
    meter TEXT NOT NULL,
    percent INTEGER NOT NULL,
    used BIGINT NOT NULL,
    quota BIGINT NOT NULL,
    hard BOOLEAN NOT NULL,
    plan TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT usage_notices_guard UNIQUE (tenant_id, month, meter, percent)
);

-- Payments are counted from here on, and from the first of this month.
INSERT INTO usage_counters
SELECT
    tenants.id,
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'),
    false,
    (
        SELECT count(DISTINCT coalesce(payment_intent_id, id)) FROM charges
        WHERE charges.tenant_id = tenants.id AND status = 'succeeded'
        AND created >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    ),
    (
        SELECT count(*) FROM gateway_attempts WHERE gateway_attempts.tenant_id = tenants.id
        AND kind = 'authorize' AND state NOT IN ('succeeded', 'failed')
    ),
    0,
    (SELECT count(*) FROM wallets WHERE wallets.tenant_id = tenants.id AND status <> 'closed'),
    (SELECT count(*) FROM webhook_endpoints w WHERE w.tenant_id = tenants.id AND slot IS NOT NULL),
    0,
    0,
    0
FROM tenants;
