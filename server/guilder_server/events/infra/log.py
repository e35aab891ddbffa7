"""Events, as a part of a commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guilder_server.kernel.changes import Changes, EventRow
from guilder_server.postgres.columns import BIGINT, BYTEA, INSTANT, TEXT
from guilder_server.postgres.committer import Part
from guilder_server.postgres.statements import Statement

_EVENTS = (
    "INSERT INTO events (tenant_id, id, type, created, object_id, payload, sequence) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s)"
)


class EventLog(Part):
    """Writes what happened beside what it happened to; it refuses nobody and locks nothing."""

    def __init__(self, sets: Sequence[Changes]) -> None:
        self._granted: list[tuple[int, EventRow]] = []

    def first(self) -> list[Statement]:
        return []

    def read(self, results: list[list[Any]]) -> None: ...

    def refusal(self, changes: Changes) -> Exception | None:
        return None

    def grant(self, changes: Changes) -> None:
        self._granted.extend((changes.tenant.id, event) for event in changes.events)

    def second(self) -> list[Statement]:
        if not self._granted:
            return []
        rows = [event for _, event in self._granted]
        return [
            (
                _EVENTS,
                [
                    BIGINT.array([tenant for tenant, _ in self._granted]),
                    TEXT.array([event.id for event in rows]),
                    TEXT.array([event.type for event in rows]),
                    INSTANT.array([event.created for event in rows]),
                    TEXT.array([event.object_id for event in rows]),
                    BYTEA.array([event.payload for event in rows]),
                    BIGINT.array([event.sequence for event in rows]),
                ],
            )
        ]
