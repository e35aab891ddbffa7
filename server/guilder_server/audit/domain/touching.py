"""Which objects a change set touches, as an audit tells of them."""

from __future__ import annotations

from collections.abc import Iterator

from guilder_server.audit.domain.portraits import Portrait, Portraits
from guilder_server.kernel.audit import Touched
from guilder_server.kernel.changes import Changes, Stored
from guilder_server.kernel.postings import LedgerTransaction


def touched(portraits: Portraits, changes: Changes) -> list[Touched]:
    """Nothing where nothing is changed that is audited. Of objects in which nothing differs one is
    told of if there is no other: somebody wanted something of it."""
    found = [
        one
        for portrait, before, after in _objects(portraits, changes)
        if (one := portrait.of(before, after)) is not None
    ]
    known = {one.id for one in found}
    found += [one for one in _posted(changes) if one.id not in known]
    return [one for one in found if one.before != {} or one.after] or found[:1]


def _objects(
    portraits: Portraits, changes: Changes
) -> Iterator[tuple[Portrait, Stored | None, Stored]]:
    """Each object once, from what it was before all of this to what it is after."""
    spans: dict[tuple[type, str], tuple[Stored | None, Stored]] = {}
    for thing in changes.added:
        spans[type(thing), thing.id] = None, thing
    for before, after in changes.changed:
        known = spans.get((type(after), after.id))
        spans[type(after), after.id] = (before if known is None else known[0]), after
    for before_all, after_all in spans.values():
        portrait = portraits.find(after_all)
        if portrait is not None:
            yield portrait, before_all, after_all


def _posted(changes: Changes) -> Iterator[Touched]:
    """What callers post themselves: they say it in pairs. All else that is posted follows from an
    object. Of its content there is nothing here that the chain of the ledger does not keep."""
    for posting in changes.postings:
        if isinstance(posting, LedgerTransaction) and posting.pairs is not None:
            yield Touched("ledger_transaction", posting.id, None, {"status": "posted"})
