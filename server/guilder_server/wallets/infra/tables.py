"""The tables of wallets: which money is whose. How much it is, the ledger says."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Wallet

wallets = sa.Table(
    "wallets",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("floor", sa.BigInteger, nullable=False),
    id_column("ledger_account_id"),
    id_column("customer_id", nullable=True),
    sa.Column("name", sa.Text),
    json_column("limits"),
    json_column("metadata"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index(
        "wallets_customer",
        "tenant_id",
        "customer_id",
        "id",
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    ),
)

transfers = sa.Table(
    "wallet_transfers",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    id_column("wallet_id"),
    id_column("destination_id"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    id_column("transaction_id"),
    sa.Column("description", sa.Text),
    json_column("metadata"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index("wallet_transfers_wallet", "tenant_id", "wallet_id", "id"),
)

holds = sa.Table(
    "wallet_holds",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("status", sa.Text, nullable=False),
    id_column("wallet_id"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("amount_held", sa.BigInteger, nullable=False, comment="still"),
    sa.Column("amount_captured", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("counted", sa.Boolean, nullable=False, comment="against the wallet's limits"),
    id_column("destination_id", nullable=True),
    id_column("payment_intent_id", nullable=True),
    sa.Column("description", sa.Text),
    json_column("metadata"),
    instant_column("expires_at", nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint(
        "amount_held >= 0 AND amount_captured >= 0 AND amount_held + amount_captured <= amount",
        name="wallet_holds_amounts",
    ),
    sa.Index("wallet_holds_wallet", "tenant_id", "wallet_id", "id"),
    sa.Index(
        "wallet_holds_expiring",
        "expires_at",
        postgresql_where=sa.text("status = 'held' AND expires_at IS NOT NULL"),
    ),
)

top_ups = sa.Table(
    "wallet_top_ups",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("status", sa.Text, nullable=False),
    id_column("wallet_id"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("amount_reversed", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    id_column("payment_intent_id"),
    id_column("charge_id"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("amount_reversed BETWEEN 0 AND amount", name="wallet_top_ups_amounts"),
    sa.UniqueConstraint("tenant_id", "charge_id", name="wallet_top_ups_charge_guard"),
    sa.Index("wallet_top_ups_wallet", "tenant_id", "wallet_id", "id"),
)

WALLETS = Mapping(Wallet, wallets)
TRANSFERS = Mapping(Transfer, transfers)
HOLDS = Mapping(Hold, holds)
TOP_UPS = Mapping(TopUp, top_ups)
