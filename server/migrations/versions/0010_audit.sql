CREATE TABLE audit_blocks (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    terms BIGINT NOT NULL,
    locators BYTEA NOT NULL,
    payload BYTEA NOT NULL,
    position BIGINT,
    head BYTEA,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX audit_blocks_position ON audit_blocks (tenant_id, position) WHERE position IS NOT NULL;
CREATE INDEX audit_blocks_pending ON audit_blocks (tenant_id) WHERE position IS NULL;
COMMENT ON COLUMN audit_blocks.terms IS 'what lists filter by, as bits';
COMMENT ON COLUMN audit_blocks.locators IS '4 bytes for each of several entries';
COMMENT ON COLUMN audit_blocks.payload IS 'a snapshot';
COMMENT ON COLUMN audit_blocks.position IS '1, 2, 3 … in the chain; null: not yet';
COMMENT ON COLUMN audit_blocks.head IS 'of the chain, with this block';

CREATE TABLE audit_checkpoints (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    position BIGINT NOT NULL,
    head BYTEA NOT NULL,
    entries BIGINT NOT NULL,
    public_key BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, position)
);
COMMENT ON COLUMN audit_checkpoints.entries IS 'from the first block on';

-- What is done to an account stands in the trail of both of its modes.
INSERT INTO tenants (account_id, livemode)
SELECT a.id, mode FROM accounts a CROSS JOIN (VALUES (false), (true)) modes (mode)
ON CONFLICT DO NOTHING;
