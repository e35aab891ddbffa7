import sqlalchemy as sa

from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column

events = sa.Table(
    "events",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("type", sa.Text, nullable=False),
    instant_column("created"),
    id_column("object_id"),
    sa.Column("payload", sa.LargeBinary, nullable=False, comment="a snapshot"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
)

# What has not been carried to its listeners yet: claimed by status, never by a cursor over a
# sequence, since a transaction that began earlier may commit later and would be passed over.
outbox = sa.Table(
    "outbox",
    metadata,
    tenant_column(),
    id_column("event_id"),
    sa.PrimaryKeyConstraint("tenant_id", "event_id"),
)
