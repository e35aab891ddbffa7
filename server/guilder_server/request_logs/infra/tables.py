from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column
from guilder_server.request_logs.domain.entry import RequestLog

request_logs = sa.Table(
    "request_logs",
    metadata,
    tenant_column(),
    id_column(),
    instant_column("created"),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("latency_ms", sa.Integer, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    id_column("actor_id"),
    sa.Column("address", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("api_version", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="a snapshot, without secrets"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    # For the job that forgets old requests.
    sa.Index("request_logs_created", "created", postgresql_using="brin"),
)

REQUEST_LOGS = Mapping(RequestLog, request_logs)
