"""Organizations, accounts, their tenants, their keys, and when those were used.

Accounts and tenants are the root that every other table's `tenant_id` points to.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from guilder_server.postgres.mapping import Mapping, SharedMapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import ApiKey
from guilder_server.tenancy.domain.organization import Organization

organizations = sa.Table(
    "organizations",
    metadata,
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("name", sa.Text),
    json_column("metadata"),
    sa.PrimaryKeyConstraint("id"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    id_column(),
    instant_column("created"),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("default_currency", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("business_type", sa.Text),
    sa.Column("statement_descriptor", sa.Text),
    sa.Column("timezone", sa.Text, nullable=False),
    json_column("metadata"),
    sa.Column("status", sa.Text, nullable=False, server_default="active"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    id_column("organization_id"),
    sa.Column("plan", sa.Text, comment="the default plan, if there is none"),
    sa.PrimaryKeyConstraint("id"),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
    sa.CheckConstraint("status IN ('active', 'suspended', 'closed')", name="accounts_status"),
    sa.Index("accounts_organization", "organization_id", "id"),
)

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    id_column("account_id"),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("account_id", "livemode"),
    sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    # 0 is whoever runs the server.
    sa.CheckConstraint("id > 0", name="tenants_id"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("hash", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 under the pepper"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("last4", sa.Text, nullable=False),
    json_column("permissions", nullable=True),
    instant_column("created"),
    instant_column("expires_at", nullable=True),
    instant_column("revoked_at", nullable=True),
    sa.Column("name", sa.Text),
    sa.Column(
        "replaced_by", sa.Text(collation="C"), comment="the key that it was rolled to, if it was"
    ),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column(
        "allowed_addresses",
        postgresql.JSONB,
        nullable=False,
        server_default="[]",
        comment="networks; none is everywhere",
    ),
    sa.Column("created_by_type", sa.Text),
    sa.Column("created_by_id", sa.Text),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # A key is looked up before its tenant is known.
    sa.UniqueConstraint("hash"),
    sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

ORGANIZATIONS = SharedMapping(Organization, organizations)
ACCOUNTS = SharedMapping(Account, accounts)
# Apart from the keys, so that noting a use waits for nobody who changes one.
credential_uses = sa.Table(
    "credential_uses",
    metadata,
    tenant_column(),
    id_column(),
    instant_column("last_used_at"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

API_KEYS = Mapping(ApiKey, api_keys)
