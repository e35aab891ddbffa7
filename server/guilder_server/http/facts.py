"""Facts into events: what happened, with the object as the wire showed it then."""

from __future__ import annotations

from typing import Any

import msgspec

from guilder_server.http.present import Rendering, Wire, encode
from guilder_server.http.snapshots import Pack
from guilder_server.kernel.changes import Changes, EventRow, Fact
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids


class EventWriter:
    def __init__(self, ids: Ids, clock: Clock, pack: Pack) -> None:
        self._ids, self._clock, self._pack = ids, clock, pack

    def write(
        self, changes: Changes, rendering: Rendering, request_id: str | None, key: str | None
    ) -> None:
        """Adds to `changes` one event for each fact, in their order."""
        if not changes.facts:
            return
        now = self._clock.now()
        request = msgspec.Raw(encode({"id": request_id, "idempotency_key": key}))
        numbers = _Numbers(changes)
        for fact in changes.facts:
            payload = encode({"data": _data(fact, rendering), "request": request})
            about = fact.subject.id
            packed, number = self._pack(payload), numbers.next(about)
            changes.events.append(
                EventRow(self._ids.new("evt"), fact.type, now, about, packed, number)
            )


# An object has its version once for all the facts of a commit, never as many as this.
_FACTS_PER_VERSION = 1000


class _Numbers:
    """The sequence numbers of the events of one commit.

    An object's version grows with each commit that changes it, under guard, so it orders commits
    whatever the clocks of their processes say; the place in the commit orders the rest.
    """

    def __init__(self, changes: Changes) -> None:
        self._latest = changes.latest()
        self._given: dict[str, int] = {}

    def next(self, id: str) -> int:
        if id not in self._latest:
            # Its number could be that of another commit's event.
            raise ValueError(f"a fact about {id}, which its commit does not change")
        before = self._given.get(id, self._latest[id].version * _FACTS_PER_VERSION)
        self._given[id] = before + 1
        return before + 1


def _data(fact: Fact, rendering: Rendering) -> Wire:
    data: Wire = {"object": rendering.raw(fact.subject)}
    if fact.previous is not None:
        before, after = rendering.wire(fact.previous), rendering.wire(fact.subject)
        data["previous_attributes"] = previous_attributes(before, after)
    return data


def previous_attributes(before: Wire, after: Wire) -> Wire:
    """The old values of what differs; inside objects, only of the parts that differ.

    What has come new, such as a metadata key, was null before.
    """
    found: dict[str, Any] = {}
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old == new and (name in before) == (name in after):
            continue
        nested = isinstance(old, dict) and isinstance(new, dict)
        found[name] = previous_attributes(old, new) if nested else old  # type: ignore[arg-type]
    return found
