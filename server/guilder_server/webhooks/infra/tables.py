"""The tables of webhooks. Their columns are the fields of `Endpoint`, `Delivery` and `Replay`.

A unique index whose name ends in `_guard` is one that requests may run into when they race: the
later one reads again and decides again (postgres/committer.py).
"""

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
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay

endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("url", sa.Text, nullable=False),
    json_column("enabled_events"),
    sa.Column("description", sa.Text),
    json_column("metadata"),
    sa.Column("api_version", sa.Text),
    sa.Column("connect", sa.Boolean, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False, comment="sealed"),
    sa.Column("slot", sa.Integer, comment="among those it may have; null once it is deleted"),
    sa.Column("former_secret", sa.LargeBinary, comment="sealed"),
    instant_column("former_secret_until", nullable=True),
    sa.Column("disabled_reason", sa.Text),
    instant_column("disabled_at", nullable=True),
    instant_column("failing_since", nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "slot", name="webhook_endpoints_slot_guard"),
)

# No reference to the event, which is kept for longer, nor to the endpoint, whose row each commit
# of a payment would have to lock for it.
deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    id_column("event_id"),
    sa.Column("event_type", sa.Text, nullable=False),
    id_column("endpoint_id"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, comment="since it was last put on its way"),
    instant_column("next_attempt_at", nullable=True),
    json_column("attempts"),
    sa.PrimaryKeyConstraint("tenant_id", "id", name="webhook_deliveries_guard"),
    sa.Index("webhook_deliveries_endpoint", "tenant_id", "endpoint_id", "id"),
    # The queue: what is in it waits for its next attempt.
    sa.Index(
        "webhook_deliveries_due",
        "tenant_id",
        "endpoint_id",
        "next_attempt_at",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    ),
    sa.Index(
        "webhook_deliveries_missed",
        "tenant_id",
        "endpoint_id",
        "id",
        postgresql_where=sa.text("status IN ('failed', 'canceled')"),
    ),
    # For the job that forgets old deliveries.
    sa.Index("webhook_deliveries_created", "created", postgresql_using="brin"),
    # Each delivery leaves a dead row and a dead entry of the queue behind.
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
)

replays = sa.Table(
    "webhook_replays",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    id_column("endpoint_id"),
    instant_column("since"),
    instant_column("until"),
    sa.Column("only_failed", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("events", sa.Integer, nullable=False, comment="put on their way so far"),
    id_column("cursor", nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index("webhook_replays_endpoint", "tenant_id", "endpoint_id", "id"),
    sa.Index(
        "webhook_replays_pending",
        "tenant_id",
        "id",
        postgresql_where=sa.text("status = 'pending'"),
    ),
)

ENDPOINTS = Mapping(Endpoint, endpoints)
DELIVERIES = Mapping(Delivery, deliveries)
REPLAYS = Mapping(Replay, replays)
