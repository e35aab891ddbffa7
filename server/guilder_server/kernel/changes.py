"""A change set: everything that one request wants to become true, together or not at all.

Flows build one and hand it over. They name domain objects, never SQL: which table an object
lives in is known to its mapping, how sets of concurrent requests merge to the committer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from guilder_server.kernel.audit import Cause
from guilder_server.kernel.copies import replace
from guilder_server.kernel.postings import AccountRef, Condition, Holding, LedgerTransaction
from guilder_server.kernel.tenant import Tenant


class Stored(Protocol):
    """A domain object that has a row of its own."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int:
        """Counts the row's changes; an update applies only to the version it has read."""


T = TypeVar("T", bound=Stored)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to `subject`, in the past tense: `charge.succeeded`."""

    type: str
    subject: Stored
    previous: Stored | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """A fact as it is kept: its payload is the subject as the wire showed it then.

    `sequence` grows with each event of the same object.
    """

    id: str
    type: str
    created: datetime
    object_id: str
    payload: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """An idempotency key with what it answers.

    `status` 0 means "started": the claim holds until `lease_until` while a gateway is asked.
    `fence` names the start that a finish belongs to; a finish with another fence is refused.
    """

    key: str
    fingerprint: bytes
    status: int
    response: bytes
    created: datetime
    lease_until: datetime | None = None
    finishes: str | None = None
    fence: str | None = None


@dataclass(slots=True)
class Changes:
    tenant: Tenant
    added: list[Stored] = field(default_factory=list)
    changed: list[tuple[Stored, Stored]] = field(default_factory=list)
    # By what and which version of it; one set may rely on thousands.
    relied: dict[tuple[type, str, int], Stored] = field(default_factory=dict)
    opened: list[AccountRef] = field(default_factory=list)
    # What is posted, and what is held or let go, in the order in which it happens.
    postings: list[LedgerTransaction | Holding] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    key: KeyClaim | None = None
    # Who wants this, for the audit; None is for what nobody asked for.
    cause: Cause | None = None
    # Whether a limit that is reached only now means to read and decide again, rather than a
    # refusal of everything.
    decides_again: bool = False
    # How many calls of the API it stands for, and whether a quota may refuse it: never what jobs
    # decide, nor what follows from money that is on its way.
    calls: int = 0
    limited: bool = False

    def add(self, thing: T) -> T:
        """A new row."""
        self.added.append(thing)
        return thing

    def change(self, before: T, after: T) -> T:
        """The row that is now `before` becomes `after`, unless it has changed meanwhile.

        Gives `after` back under the version that it will have.
        """
        after = replace(after, version=before.version + 1)  # type: ignore[type-var]
        self.changed.append((before, after))
        return after

    def save(self, before: T | None, after: T) -> T:
        """A new row if there was none before, else a change of it."""
        return self.add(after) if before is None else self.change(before, after)

    def rely(self, thing: Stored) -> None:
        """It must be as it was read, though nothing of it changes."""
        self.relied[type(thing), thing.id, thing.version] = thing

    def open(self, account: AccountRef) -> None:
        """A ledger account comes into being, without an entry yet."""
        self.opened.append(account)

    def touch(self, thing: T) -> T:
        """`thing` under a version that this commit gives it, though nothing else of it may change:
        a fact about it needs a number of its own."""
        return thing if thing.id in self.latest() else self.change(thing, thing)

    def post(self, transaction: LedgerTransaction) -> LedgerTransaction:
        """Money moves."""
        self.postings.append(transaction)
        return transaction

    def hold(self, holding: Holding) -> None:
        """Money is held, or let go for what follows."""
        self.postings.append(holding)

    def record(self, type: str, subject: Stored, previous: Stored | None = None) -> None:
        """A fact that listeners will hear of; `previous` is the subject before an update."""
        self.facts.append(Fact(type, subject, previous))

    def empty(self) -> bool:
        return not (
            self.added
            or self.changed
            or self.opened
            or self.postings
            or self.facts
            or self.key
            or self.calls
        )

    def concerns(self, *kinds: type) -> bool:
        """Whether an object of one of these kinds is added or changed."""
        return any(isinstance(thing, kinds) for thing in self.added) or any(
            isinstance(after, kinds) for _, after in self.changed
        )

    def latest(self) -> dict[str, Stored]:
        """Objects as they will be once this is committed, by id."""
        found: dict[str, Stored] = {thing.id: thing for thing in self.added}
        found.update((after.id, after) for _, after in self.changed)
        posted = (one for one in self.postings if isinstance(one, LedgerTransaction))
        found.update((one.id, one) for one in posted)
        return found


class GuardLost(Exception):
    """A row that the change set relied on has changed since it was read: read again."""


class KeyTaken(Exception):
    """The idempotency key of the change set was claimed by another: look at its answer."""
