"""Counters, one row for a tenant and a month, and the notices of marks that were reached."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column
from guilder_server.usage.domain.notice import Notice

counters = sa.Table(
    "usage_counters",
    metadata,
    tenant_column(),
    sa.Column("month", sa.Text(collation="C"), nullable=False, comment="such as 2026-11, in UTC"),
    sa.Column(
        "closed",
        sa.Boolean,
        nullable=False,
        comment="the next one has begun: nothing is counted here any more",
    ),
    sa.Column("payments", sa.BigInteger, nullable=False),
    sa.Column(
        "payments_pending",
        sa.BigInteger,
        nullable=False,
        comment="which a gateway is being asked for",
    ),
    sa.Column("api_calls", sa.BigInteger, nullable=False),
    sa.Column("wallets", sa.BigInteger, nullable=False),
    sa.Column("webhook_endpoints", sa.BigInteger, nullable=False),
    sa.Column("storage_bytes", sa.BigInteger, nullable=False),
    sa.Column("reached", sa.Integer, nullable=False, comment="which marks, a bit for each"),
    sa.Column("told", sa.Integer, nullable=False, comment="of which marks an event tells"),
    sa.PrimaryKeyConstraint("tenant_id", "month"),
    sa.Index(
        "usage_counters_untold",
        "tenant_id",
        "month",
        postgresql_where=sa.text("reached <> told"),
    ),
)

notices = sa.Table(
    "usage_notices",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("month", sa.Text(collation="C"), nullable=False),
    sa.Column("meter", sa.Text, nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("quota", sa.BigInteger, nullable=False),
    sa.Column("hard", sa.Boolean, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "month", "meter", "percent", name="usage_notices_guard"),
)

NOTICES = Mapping(Notice, notices)
