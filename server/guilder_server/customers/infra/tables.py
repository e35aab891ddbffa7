"""The table of customers. Its columns are the fields of `Customer`."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.customers.domain.customer import Customer
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

customers = sa.Table(
    "customers",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("invoice_prefix", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("business_name", sa.Text),
    sa.Column("individual_name", sa.Text),
    json_column("address", nullable=True),
    json_column("shipping", nullable=True),
    json_column("invoice_settings", nullable=True),
    json_column("preferred_locales"),
    sa.Column("tax_exempt", sa.Text, nullable=False),
    json_column("metadata"),
    sa.Column("deleted", sa.Boolean, nullable=False, comment="erased, kept for what names it"),
    sa.Column("email_folded", sa.Text, sa.Computed("lower(email)", persisted=True)),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # For the list's filter, which heeds case, and for search, which does not.
    sa.Index("customers_email", "tenant_id", "email_folded", "id"),
)

CUSTOMERS = Mapping(Customer, customers)
