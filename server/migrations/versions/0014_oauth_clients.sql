CREATE TABLE oauth_clients (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT,
    scopes JSONB NOT NULL,
    authentication TEXT NOT NULL,
    created_by_type TEXT NOT NULL,
    created_by_id TEXT NOT NULL,
    public_keys JSONB NOT NULL,
    certificate_identity TEXT,
    secret_hash BYTEA,
    secret_last4 TEXT,
    former_secret_hash BYTEA,
    former_secret_until TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
COMMENT ON COLUMN oauth_clients.secret_hash IS 'HMAC-SHA256 under the pepper';

CREATE TABLE oauth_assertions (
    tenant_id BIGINT NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    jti BYTEA NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti)
);
CREATE INDEX oauth_assertions_expired ON oauth_assertions (expires_at);
COMMENT ON COLUMN oauth_assertions.jti IS 'SHA-256';

CREATE TABLE oauth_signing_keys (
    kid TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    signs_from TIMESTAMP WITH TIME ZONE NOT NULL,
    signs_until TIMESTAMP WITH TIME ZONE NOT NULL,
    public JSONB NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (kid)
);
COMMENT ON COLUMN oauth_signing_keys.sealed IS 'the private half';
