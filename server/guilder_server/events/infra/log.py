"""Events, as a part of a commit."""

from __future__ import annotations

from collections.abc import Sequence

from guilder_server.kernel.changes import EventRow
from guilder_server.postgres.columns import BIGINT, BYTEA, INSTANT, TEXT
from guilder_server.postgres.news import NewsPart
from guilder_server.postgres.statements import Statement

_EVENTS = (
    "INSERT INTO events (tenant_id, id, type, created, object_id, payload, sequence) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s)"
)


class EventLog(NewsPart):
    """Writes what happened beside what it happened to."""

    def write(self, tenants: Sequence[int], events: Sequence[EventRow]) -> Statement:
        return (
            _EVENTS,
            [
                BIGINT.array(tenants),
                TEXT.array([event.id for event in events]),
                TEXT.array([event.type for event in events]),
                INSTANT.array([event.created for event in events]),
                TEXT.array([event.object_id for event in events]),
                BYTEA.array([event.payload for event in events]),
                BIGINT.array([event.sequence for event in events]),
            ],
        )
