"""What parts of a commit that write for events have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from guilder_server.kernel.changes import Changes, EventRow
from guilder_server.postgres.committer import Part
from guilder_server.postgres.statements import Statement


class NewsPart(Part):
    """Gathers the events of all that is granted, for `write`. It refuses nobody and locks
    nothing."""

    def __init__(self, sets: Sequence[Changes]) -> None:
        self._granted: list[tuple[int, EventRow]] = []

    def grant(self, changes: Changes) -> None:
        self._granted.extend((changes.tenant.id, event) for event in changes.events)

    def second(self) -> list[Statement]:
        if not self._granted:
            return []
        tenants = [tenant for tenant, _ in self._granted]
        return [self.write(tenants, [event for _, event in self._granted])]

    @abstractmethod
    def write(self, tenants: Sequence[int], events: Sequence[EventRow]) -> Statement:
        """The statement that writes for these events, each with its tenant."""
