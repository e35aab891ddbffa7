"""An entry of the audit trail as it is read, and what is looked for in the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.audit import Cause, Touched

NOUN = "audit entry"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commit of an entry stands in the chain of its tenant, and the head there."""

    position: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """`place` is None until the worker has chained it."""

    id: str
    created: datetime
    cause: Cause
    touched: Sequence[Touched]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are looked for; None takes all. `object` and `object_id` are of one and the
    same object."""

    actor: str | None = None
    actor_type: str | None = None
    action: str | None = None
    object: str | None = None
    object_id: str | None = None
    request: str | None = None

    def is_met(self, cause: Cause, touched: Sequence[Touched]) -> bool:
        return (
            self.actor in (None, cause.actor.id)
            and self.actor_type in (None, cause.actor.kind)
            and self.action in (None, cause.action)
            and self.request in (None, cause.request_id)
            and ((self.object is None and self.object_id is None) or any(map(self._is_it, touched)))
        )

    def _is_it(self, one: Touched) -> bool:
        return self.object in (None, one.object) and self.object_id in (None, one.id)
