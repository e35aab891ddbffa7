import sqlalchemy as sa

from guilder_server.postgres.schema import id_column, metadata, tenant_column

# The entries of one commit, for one tenant, in one row: together they take a fifth of the room.
# `blocks.py` says what is in them and what is hashed.
audit_blocks = sa.Table(
    "audit_blocks",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("terms", sa.BigInteger, nullable=False, comment="what lists filter by, as bits"),
    sa.Column(
        "locators", sa.LargeBinary, nullable=False, comment="4 bytes for each of several entries"
    ),
    sa.Column("payload", sa.LargeBinary, nullable=False, comment="a snapshot"),
    sa.Column("position", sa.BigInteger, comment="1, 2, 3 … in the chain; null: not yet"),
    sa.Column("head", sa.LargeBinary, comment="of the chain, with this block"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index(
        "audit_blocks_position",
        "tenant_id",
        "position",
        unique=True,
        postgresql_where=sa.text("position IS NOT NULL"),
    ),
    sa.Index(
        "audit_blocks_pending",
        "tenant_id",
        postgresql_where=sa.text("position IS NULL"),
    ),
)
