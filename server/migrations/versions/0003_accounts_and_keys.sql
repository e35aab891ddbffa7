ALTER TABLE accounts ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE accounts ADD CONSTRAINT accounts_status CHECK (status IN ('active', 'suspended', 'closed'));

ALTER TABLE api_keys ADD COLUMN name TEXT;
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT COLLATE "C";
COMMENT ON COLUMN api_keys.replaced_by IS 'the key that it was rolled to, if it was';
