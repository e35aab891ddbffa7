"""Deliveries come into being with their event: in the same statement of the same commit.

There is no moment in which an event is there and its deliveries are not, and nothing that would
have to be drained, by a cursor that could pass over what commits late. An account without
endpoints pays for one look into an index.
"""

from __future__ import annotations

from collections.abc import Sequence

from guilder_server.kernel.changes import EventRow
from guilder_server.postgres.columns import BIGINT, INSTANT, TEXT
from guilder_server.postgres.news import NewsPart
from guilder_server.postgres.statements import Statement
from guilder_server.webhooks.domain.endpoint import TEST

# What `delivery_id` and `Endpoint.wants` say, in SQL; a test holds the two together. All that a
# commit writes is written on one snapshot, in which an endpoint that it disables is not disabled
# yet: so it is said here that the endpoint itself is not sent the news.
_FAN_OUT = f"""
    INSERT INTO webhook_deliveries (tenant_id, id, version, created, event_id, event_type,
        endpoint_id, status, tries, next_attempt_at, attempts)
    SELECT e.tenant_id, 'whd_' || split_part(e.id, '_', 2) || right(w.id, 8), 1, e.created, e.id,
        e.type, w.id, 'pending', 0, e.created, '[]'
    FROM unnest(%s, %s, %s, %s, %s) AS e(tenant_id, id, type, created, object_id)
    JOIN webhook_endpoints w ON w.tenant_id = e.tenant_id
    WHERE w.slot IS NOT NULL AND w.disabled_at IS NULL AND CASE
        WHEN e.type = '{TEST}' THEN w.id = e.object_id
        ELSE w.id <> e.object_id AND NOT w.connect AND w.enabled_events ?| ARRAY['*', e.type]
    END
"""


class FanOut(NewsPart):
    """Writes a delivery for each event and each endpoint that wants it."""

    def write(self, tenants: Sequence[int], events: Sequence[EventRow]) -> Statement:
        return (
            _FAN_OUT,
            [
                BIGINT.array(tenants),
                TEXT.array([event.id for event in events]),
                TEXT.array([event.type for event in events]),
                INSTANT.array([event.created for event in events]),
                TEXT.array([event.object_id for event in events]),
            ],
        )
