ALTER TABLE events ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ALTER COLUMN sequence DROP DEFAULT;
COMMENT ON COLUMN events.sequence IS 'grows with each event of the object';
CREATE INDEX events_created ON events USING brin (created);

-- Deliveries are written with their event. No endpoint could have been made before this.
DROP TABLE outbox;

CREATE TABLE webhook_endpoints (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    url TEXT NOT NULL,
    enabled_events JSONB NOT NULL,
    description TEXT,
    metadata JSONB NOT NULL,
    api_version TEXT,
    connect BOOLEAN NOT NULL,
    secret BYTEA NOT NULL,
    slot INTEGER,
    former_secret BYTEA,
    former_secret_until TIMESTAMP WITH TIME ZONE,
    disabled_reason TEXT,
    disabled_at TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_endpoints_slot_guard UNIQUE (tenant_id, slot)
);
COMMENT ON COLUMN webhook_endpoints.secret IS 'sealed';
COMMENT ON COLUMN webhook_endpoints.slot IS 'among those it may have; null once it is deleted';
COMMENT ON COLUMN webhook_endpoints.former_secret IS 'sealed';

CREATE TABLE webhook_deliveries (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    attempts JSONB NOT NULL,
    CONSTRAINT webhook_deliveries_guard PRIMARY KEY (tenant_id, id)
)
 WITH (autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON COLUMN webhook_deliveries.tries IS 'since it was last put on its way';
CREATE INDEX webhook_deliveries_created ON webhook_deliveries USING brin (created);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (tenant_id, endpoint_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (tenant_id, endpoint_id, id);
CREATE INDEX webhook_deliveries_missed ON webhook_deliveries (tenant_id, endpoint_id, id) WHERE status IN ('failed', 'canceled');

CREATE TABLE webhook_replays (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    only_failed BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    events INTEGER NOT NULL,
    cursor TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON COLUMN webhook_replays.events IS 'put on their way so far';
CREATE INDEX webhook_replays_endpoint ON webhook_replays (tenant_id, endpoint_id, id);
CREATE INDEX webhook_replays_pending ON webhook_replays (tenant_id, id) WHERE status = 'pending';
