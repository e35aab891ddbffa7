ALTER TABLE api_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE api_keys ADD COLUMN allowed_addresses JSONB NOT NULL DEFAULT '[]';
ALTER TABLE api_keys ADD COLUMN created_by_type TEXT;
ALTER TABLE api_keys ADD COLUMN created_by_id TEXT;
COMMENT ON COLUMN api_keys.allowed_addresses IS 'networks; none is everywhere';

CREATE TABLE credential_uses (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
