"""What a change set uses, by what it adds and changes.

A payment is money that was authorized: a PaymentIntent or a direct charge, once, however often
its customer tried and whatever it was paid with. It is counted in the commit that has the
gateway's approval; while a gateway is being asked it is pending, and takes its room already, so
that a payment which was let through is never refused afterwards.

Storage is what is written: snapshots (the payloads of events, the answers that idempotency keys
keep) by their bytes, rows by a common size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.usage.domain.meters import PENDING

Uses: TypeAlias = dict[str, int]

# What a row of ours takes on disk with its part of the indexes, about: the mean over the tables
# that a payment is written to.
ROW_BYTES = 400


@dataclass(frozen=True, slots=True)
class Metered:
    """The kinds of object that are counted."""

    attempt: type
    charge: type
    wallet: type
    endpoint: type


class Metering:
    def __init__(self, kinds: Metered) -> None:
        self._rules = {
            kinds.attempt: _attempt,
            kinds.charge: _charge,
            kinds.wallet: _wallet,
            kinds.endpoint: _endpoint,
        }

    def uses(self, changes: Changes) -> Uses:
        """Below zero for what ends; what is not named is not used."""
        if changes.tenant.of_operator:
            return {}
        found: Uses = {}
        for thing in changes.added:
            rule = self._rules.get(type(thing))
            if rule is not None:
                rule(found, None, thing)
        for before, after in changes.changed:
            rule = self._rules.get(type(after))
            if rule is not None:
                rule(found, before, after)
        asked, of_wallet = found.pop(_ASKED, 0), found.pop(_OF_WALLET, 0)
        if of_wallet and not asked:
            _count(found, "payments", 1)
        if changes.calls:
            found["api_calls"] = changes.calls
        if written := _written(changes):
            found["storage_bytes"] = written
        return {name: many for name, many in found.items() if many}


# A wallet's part of a payment is no payment of its own where a gateway is asked for the rest.
_ASKED, _OF_WALLET = "asked", "of_wallet"


def _count(found: Uses, name: str, many: int) -> None:
    found[name] = found.get(name, 0) + many


def _attempt(found: Uses, before: Any, after: Any) -> None:
    if after.kind != "authorize":
        return
    found[_ASKED] = 1
    if before is not None and not before.settled and after.settled:
        _count(found, PENDING, -1)
    elif before is None and not after.settled:
        _count(found, PENDING, 1)
    if after.state == "succeeded" and (before is None or not before.settled):
        _count(found, "payments", 1)


def _charge(found: Uses, before: Any, after: Any) -> None:
    if before is None and after.of_wallet:
        found[_OF_WALLET] = 1


def _wallet(found: Uses, before: Any, after: Any) -> None:
    was, is_ = before is not None and before.status != "closed", after.status != "closed"
    _count(found, "wallets", is_ - was)


def _endpoint(found: Uses, before: Any, after: Any) -> None:
    was, is_ = before is not None and not before.deleted, not after.deleted
    _count(found, "webhook_endpoints", is_ - was)


def _written(changes: Changes) -> int:
    rows = len(changes.added) + len(changes.events)
    size = sum([len(event.payload) for event in changes.events])
    for move in changes.postings:
        if isinstance(move, LedgerTransaction):
            rows += 1 + len(move.legs)
    if changes.key is not None:
        rows += 1
        size += len(changes.key.response)
    return size + rows * ROW_BYTES


def room(uses: Mapping[str, int]) -> Uses:
    """What of it takes room under a quota; a payment that was pending has it already."""
    needed = {name: many for name, many in uses.items() if name != PENDING}
    if PENDING in uses:
        needed["payments"] = needed.get("payments", 0) + uses[PENDING]
    return {name: many for name, many in needed.items() if many > 0}
