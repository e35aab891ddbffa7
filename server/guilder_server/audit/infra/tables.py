import sqlalchemy as sa

from guilder_server.audit.domain.checkpoint import Checkpoint
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column

checkpoints = sa.Table(
    "audit_checkpoints",
    metadata,
    tenant_column(),
    id_column(),
    instant_column("created"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False, comment="from the first block on"),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "position"),
)

CHECKPOINTS = Mapping(Checkpoint, checkpoints)
