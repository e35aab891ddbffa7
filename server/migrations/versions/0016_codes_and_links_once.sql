CREATE TABLE recovery_codes (
    user_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE TABLE password_resets (
    user_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (user_id),
    UNIQUE (hash),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
COMMENT ON COLUMN recovery_codes.hash IS 'HMAC-SHA256 under the pepper';
COMMENT ON COLUMN password_resets.hash IS 'HMAC-SHA256 under the pepper';
