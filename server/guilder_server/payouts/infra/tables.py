"""The table of payouts. Its columns are the fields of `Payout`."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

payouts = sa.Table(
    "payouts",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="in minor units"),
    sa.Column("currency", sa.Text, nullable=False),
    id_column("wallet_id"),
    sa.Column("counted", sa.Boolean, nullable=False, comment="against the wallet's limits"),
    sa.Column("gateway", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    id_column("attempt_id"),
    id_column("transaction_id"),
    instant_column("arrival"),
    sa.Column("destination", sa.Text),
    sa.Column("reference", sa.Text),
    instant_column("ask_after", nullable=True),
    sa.Column("failure_code", sa.Text),
    sa.Column("failure_message", sa.Text),
    id_column("kept_by", nullable=True),
    sa.Column("statement_descriptor", sa.Text),
    sa.Column("description", sa.Text),
    json_column("metadata"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("amount > 0", name="payouts_amount"),
    sa.Index("payouts_wallet", "tenant_id", "wallet_id", "id"),
    # What the sweeper looks for; those that are over are not in it.
    sa.Index("payouts_followed", "ask_after", postgresql_where=sa.text("ask_after IS NOT NULL")),
)
