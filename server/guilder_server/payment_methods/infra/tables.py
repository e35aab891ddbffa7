"""The table of payment methods. Its columns are the fields of `PaymentMethod`."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

payment_methods = sa.Table(
    "payment_methods",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    json_column("instrument"),
    sa.Column("preferred_network", sa.Text),
    id_column("customer_id", nullable=True),
    sa.Column("spent", sa.Boolean, nullable=False, comment="never to be paid with again"),
    sa.Column("set_up", sa.Boolean, nullable=False, comment="good for payments off session"),
    sa.Column("allow_redisplay", sa.Text, nullable=False),
    json_column("billing_details", nullable=True),
    json_column("metadata"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    # Those on file, newest first; most payment methods pay once and are in nobody's file.
    sa.Index(
        "payment_methods_on_file",
        "tenant_id",
        "customer_id",
        "id",
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    ),
)

PAYMENT_METHODS = Mapping(PaymentMethod, payment_methods)
