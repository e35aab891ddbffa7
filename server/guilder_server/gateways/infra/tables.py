"""The table of attempts. Its columns are the fields of `Attempt`."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

gateway_attempts = sa.Table(
    "gateway_attempts",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("kind", sa.Text, nullable=False),
    id_column("subject_id"),
    sa.Column("gateway", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    id_column("reference", nullable=True),
    instant_column("lease_until", nullable=True),
    json_column("request"),
    json_column("recovery"),
    json_column("detail"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # What the sweeper looks for: open attempts whose lease is over. Settled ones, nearly all
    # of the table, are not in it.
    sa.Index(
        "gateway_attempts_open",
        "lease_until",
        postgresql_where=sa.text("state in ('pending', 'unknown')"),
    ),
)
