"""The committer as it would be if nobody ever met anybody: one change set after another, in
plain Python. What the real one does must look as if this had done it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken, Stored
from guilder_server.kernel.postings import AccountRef
from guilder_server.ledger.infra.judging import FloorReached
from guilder_server.postgres.committer import UnwritableChanges
from tests.postgres.library import Book, Library, Shelf

Verdict = Literal["done", "key taken", "guard lost", "floor reached", "unwritable"]


def verdict_of(outcome: BaseException | None) -> Verdict:
    """The word for what a commit raised, None if it raised nothing."""
    match outcome:
        case None:
            return "done"
        case KeyTaken():
            return "key taken"
        case GuardLost():
            return "guard lost"
        case FloorReached():
            return "floor reached"
        case UnwritableChanges():
            return "unwritable"
    raise outcome


@dataclass
class World:
    """Everything that is written down, by tenant."""

    things: dict[tuple[int, str], Stored] = field(default_factory=dict)
    keys: dict[tuple[int, str], KeyClaim] = field(default_factory=dict)
    # An account's entries: transaction, amount, balance after it. Their order is their version.
    accounts: dict[tuple[int, str, str], list[tuple[str, int, int]]] = field(default_factory=dict)
    transactions: set[tuple[int, str]] = field(default_factory=set)
    events: set[tuple[int, str]] = field(default_factory=set)
    # Which events are on their way; every tenant has one listener, for all that happens.
    deliveries: set[tuple[int, str]] = field(default_factory=set)


class Unwritable(Exception):
    pass


class Serial:
    def __init__(self) -> None:
        self.world = World()

    def commit(self, changes: Changes) -> Verdict:
        refusal = self._refusal(changes)
        if refusal is not None:
            return refusal
        if any((changes.tenant.id, event.id) in self.world.deliveries for event in changes.events):
            # What is on its way already is told from what cannot be written by its constraint.
            return "guard lost"
        before = copy.deepcopy(self.world)
        try:
            self._write(changes)
        except Unwritable:
            self.world = before
            return "unwritable"
        return "done"

    def _refusal(self, changes: Changes) -> Verdict | None:
        if changes.key is not None and not self._key_free(changes.tenant.id, changes.key):
            return "key taken"
        if not self._guards_hold(changes):
            return "guard lost"
        if not self._floors_hold(changes):
            return "floor reached"
        return None

    def _key_free(self, tenant: int, claim: KeyClaim) -> bool:
        held = self.world.keys.get((tenant, claim.key))
        if claim.finishes is None:
            return held is None
        return held is not None and held.status == 0 and held.fence == claim.finishes

    def _guards_hold(self, changes: Changes) -> bool:
        versions = {
            id: thing.version
            for (tenant, id), thing in self.world.things.items()
            if tenant == changes.tenant.id
        }
        versions |= {thing.id: thing.version for thing in changes.added}
        for before, after in changes.changed:
            if versions.get(before.id) != before.version:
                return False
            versions[before.id] = after.version
        return True

    def _floors_hold(self, changes: Changes) -> bool:
        balances: dict[tuple[int, str, str], int] = {}
        for transaction in changes.postings:
            for leg in transaction.legs:
                place = (changes.tenant.id, leg.account.code, leg.account.currency)
                balances.setdefault(place, self._balance(place))
                balances[place] += leg.amount
                if _below_floor(leg.account, balances[place]):
                    return False
        return True

    def _balance(self, place: tuple[int, str, str]) -> int:
        entries = self.world.accounts.get(place)
        return entries[-1][2] if entries else 0

    def _write(self, changes: Changes) -> None:
        world, tenant = self.world, changes.tenant.id
        if changes.key is not None:
            world.keys[tenant, changes.key.key] = self._kept(tenant, changes.key)
        for thing in changes.added:
            _new(world.things, (tenant, thing.id))
            world.things[tenant, thing.id] = thing
        for thing in changes.added:
            if isinstance(thing, Book) and (
                thing.price < 0 or (tenant, thing.shelf_id) not in world.things
            ):
                raise Unwritable(thing)
        for _, after in changes.changed:
            world.things[tenant, after.id] = after
        for transaction in changes.postings:
            _new(world.transactions, (tenant, transaction.id))
            world.transactions.add((tenant, transaction.id))
            for leg in transaction.legs:
                place = (tenant, leg.account.code, leg.account.currency)
                balance = self._balance(place) + leg.amount
                entries = world.accounts.setdefault(place, [])
                entries.append((transaction.id, leg.amount, balance))
        for event in changes.events:
            _new(world.events, (tenant, event.id))
            world.events.add((tenant, event.id))
            world.deliveries.add((tenant, event.id))

    def _kept(self, tenant: int, claim: KeyClaim) -> KeyClaim:
        if claim.finishes is None:
            return claim
        started = self.world.keys[tenant, claim.key]
        return replace(started, status=claim.status, response=claim.response, lease_until=None)


def _below_floor(account: AccountRef, balance: int) -> bool:
    normal = balance if account.normal_side == "debit" else -balance
    return account.floor is not None and normal < account.floor


def _new(known: Any, place: tuple[int, str]) -> None:
    if place in known:
        raise Unwritable(place)


async def stored(library: Library, tenants: list[int]) -> World:
    """The world of these tenants as the database has it."""
    found = World()
    for tenant, *fields in await library.rows(
        "SELECT tenant_id, id, version, created, words FROM library_shelves "
        "WHERE tenant_id = ANY(%s)",
        tenants,
    ):
        found.things[tenant, fields[0]] = Shelf(*fields)
    for tenant, *fields in await library.rows(
        "SELECT tenant_id, id, version, created, shelf_id, price FROM library_books "
        "WHERE tenant_id = ANY(%s)",
        tenants,
    ):
        found.things[tenant, fields[0]] = Book(*fields)
    for tenant, key, fingerprint, status, response, created, lease, fence in await library.rows(
        "SELECT tenant_id, key, fingerprint, status, response, created, lease_until, fence "
        "FROM idempotency_keys WHERE tenant_id = ANY(%s)",
        tenants,
    ):
        claim = KeyClaim(key, fingerprint, status, response, created, lease, None, fence)
        found.keys[tenant, key] = claim
    await _ledger(library, tenants, found)
    rows = "SELECT tenant_id, id FROM events WHERE tenant_id = ANY(%s)"
    found.events = set(await library.rows(rows, tenants))
    rows = "SELECT tenant_id, event_id FROM webhook_deliveries WHERE tenant_id = ANY(%s)"
    found.deliveries = set(await library.rows(rows, tenants))
    return found


async def _ledger(library: Library, tenants: list[int], found: World) -> None:
    found.transactions = set(
        await library.rows(
            "SELECT tenant_id, id FROM ledger_transactions WHERE tenant_id = ANY(%s)", tenants
        )
    )
    accounts = await library.rows(
        "SELECT tenant_id, id, code, currency, balance, version FROM ledger_accounts "
        "WHERE tenant_id = ANY(%s)",
        tenants,
    )
    entries: dict[tuple[int, int], list[tuple[int, str, int, int]]] = {}
    for tenant, account, *entry in await library.rows(
        "SELECT tenant_id, account_id, version, transaction_id, amount, balance "
        "FROM ledger_entries WHERE tenant_id = ANY(%s) ORDER BY 1, 2, 3",
        tenants,
    ):
        entries.setdefault((tenant, account), []).append(tuple(entry))
    for tenant, id, code, currency, balance, version in accounts:
        own = entries.get((tenant, id), [])
        assert [entry[0] for entry in own] == list(range(1, version + 1)), "versions have gaps"
        assert balance == (own[-1][3] if own else 0), "a balance is not the last running one"
        if own:
            found.accounts[tenant, code, currency] = [entry[1:] for entry in own]
