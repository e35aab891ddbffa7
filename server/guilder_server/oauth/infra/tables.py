"""The tables of OAuth. The columns of `oauth_clients` are the fields of `Client`."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.oauth.domain.client import Client
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

oauth_clients = sa.Table(
    "oauth_clients",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("name", sa.Text),
    json_column("scopes"),
    sa.Column("authentication", sa.Text, nullable=False),
    sa.Column("created_by_type", sa.Text, nullable=False),
    sa.Column("created_by_id", sa.Text, nullable=False),
    json_column("public_keys"),
    sa.Column("certificate_identity", sa.Text),
    sa.Column("secret_hash", sa.LargeBinary, comment="HMAC-SHA256 under the pepper"),
    sa.Column("secret_last4", sa.Text),
    sa.Column("former_secret_hash", sa.LargeBinary),
    instant_column("former_secret_until", nullable=True),
    instant_column("deleted_at", nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # A client is looked up before its tenant is known.
    sa.UniqueConstraint("id"),
    sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

# What a client has signed to show that it is itself is good once.
oauth_assertions = sa.Table(
    "oauth_assertions",
    metadata,
    tenant_column(),
    id_column("client_id"),
    sa.Column("jti", sa.LargeBinary, nullable=False, comment="SHA-256"),
    instant_column("expires_at"),
    sa.PrimaryKeyConstraint("tenant_id", "client_id", "jti"),
    sa.Index("oauth_assertions_expired", "expires_at"),
)

# Of the whole server: a token says whose it is.
oauth_signing_keys = sa.Table(
    "oauth_signing_keys",
    metadata,
    sa.Column("kid", sa.Text(collation="C"), nullable=False),
    instant_column("created"),
    instant_column("signs_from"),
    instant_column("signs_until"),
    json_column("public"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="the private half"),
    sa.PrimaryKeyConstraint("kid"),
)

CLIENTS = Mapping(Client, oauth_clients)
