CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    password TEXT,
    totp BYTEA,
    totp_step BIGINT,
    disabled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (email)
);
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (issuer, subject),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX identities_user ON identities (user_id);
CREATE TABLE memberships (
    account_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY(account_id) REFERENCES accounts (id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX memberships_user ON memberships (user_id);
CREATE TABLE invitations (
    account_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    invited_by TEXT COLLATE "C",
    accepted_at TIMESTAMP WITH TIME ZONE,
    accepted_by TEXT COLLATE "C",
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (account_id, id),
    UNIQUE (hash),
    FOREIGN KEY(account_id) REFERENCES accounts (id)
);
CREATE INDEX invitations_email ON invitations (email) WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX invitations_open ON invitations (account_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    factor TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (hash),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX sessions_expiring ON sessions (expires_at);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE sign_in_states (
    hash BYTEA NOT NULL,
    kind TEXT NOT NULL,
    browser BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    user_id TEXT COLLATE "C",
    invitation_id TEXT COLLATE "C",
    account_id TEXT COLLATE "C",
    PRIMARY KEY (hash)
);
CREATE INDEX sign_in_states_expiring ON sign_in_states (expires_at);
CREATE TABLE sign_in_attempts (
    subject BYTEA NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (subject)
);
CREATE INDEX sign_in_attempts_since ON sign_in_attempts (since);
COMMENT ON COLUMN users.email IS 'trimmed, in lower case';
COMMENT ON COLUMN users.password IS 'Argon2id';
COMMENT ON COLUMN users.totp IS 'sealed';
COMMENT ON COLUMN users.totp_step IS 'the last one of which a code was taken';
COMMENT ON COLUMN invitations.hash IS 'HMAC-SHA256 under the pepper';
COMMENT ON COLUMN sessions.hash IS 'HMAC-SHA256 under the pepper';
