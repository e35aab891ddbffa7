CREATE TABLE request_logs (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    operation TEXT NOT NULL,
    status INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    address TEXT,
    idempotency_key TEXT,
    api_version TEXT,
    error_code TEXT,
    content BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON COLUMN request_logs.content IS 'a snapshot, without secrets';
CREATE INDEX request_logs_created ON request_logs USING brin (created);
