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
    sa.Column(
        "sequence", sa.BigInteger, nullable=False, comment="grows with each event of the object"
    ),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # For the job that forgets old events.
    sa.Index("events_created", "created", postgresql_using="brin"),
)
