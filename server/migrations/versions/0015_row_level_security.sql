-- Under row-level security an index answers only what cannot tell of a row that is hidden. The
-- operator of `metadata` and `lower` are not known to be of that kind; equality is.
DROP INDEX customers_metadata;
DROP INDEX customers_email;
ALTER TABLE customers ADD COLUMN email_folded TEXT GENERATED ALWAYS AS (lower(email)) STORED;
CREATE INDEX customers_email ON customers (tenant_id, email_folded, id);

-- A login that only serves is no owner, and looks which migrations are there.
GRANT SELECT ON alembic_version TO PUBLIC;
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY[
        'guilder_requests', 'guilder_commits', 'guilder_jobs', 'guilder_people'
    ] LOOP
        IF NOT has_schema_privilege(role, current_schema(), 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        END IF;
    END LOOP;
END $$;

-- Whoever runs the server opens accounts over HTTP, and writes in the trail of each what it opens.
GRANT USAGE ON SEQUENCE tenants_id_seq TO guilder_commits;

-- Tokens are signed for whoever has one.
GRANT SELECT, INSERT, DELETE ON oauth_signing_keys TO guilder_jobs;
