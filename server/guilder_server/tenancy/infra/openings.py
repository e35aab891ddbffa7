"""What whoever runs the server does to accounts, as a part of a commit: a new one gets both of its
sides, and the trail of each account tells what was done to it, beside the operator's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from guilder_server.kernel.audit import Touched
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.ids import Ids
from guilder_server.postgres.columns import BIGINT, BOOLEAN, BYTEA, TEXT
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.statements import Statement
from guilder_server.postgres.trail import blocks
from guilder_server.tenancy.domain import account as accounts
from guilder_server.tenancy.domain.account import Account

# The numbers of what a commit makes are not seen by its other parts: they are taken before.
_NUMBERED = (
    "SELECT id, nextval('tenants_id_seq'), nextval('tenants_id_seq') FROM unnest(%s) AS new(id)"
)
_KNOWN = "SELECT account_id, id FROM tenants WHERE account_id = ANY(%s)"
_OPEN = "INSERT INTO tenants (id, account_id, livemode) SELECT * FROM unnest(%s, %s, %s)"
_TELL = (
    "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s)"
)

# What became of each object that a change set touches.
Told = Callable[[Changes], list[Touched]]


def sides(told: Told, ids: Ids) -> PartMaker:
    return lambda sets: Sides(sets, told, ids)


class Sides(Part):
    def __init__(self, sets: Sequence[Changes], told: Told, ids: Ids) -> None:
        self._told, self._ids = told, ids
        # Merchants open and change no accounts, and there are many of them.
        ours = [changes for changes in sets if changes.tenant.of_operator]
        self._new = [one.id for changes in ours for one in _opened(changes)]
        self._known = [one.id for changes in ours for one in _changed(changes)]
        self._tenants: dict[str, list[int]] = defaultdict(list)
        self._opening: list[tuple[int, str, bool]] = []
        self._entries: list[tuple[int, blocks.Block]] = []

    def first(self) -> list[Statement]:
        if not (self._new or self._known):
            return []
        return [(_NUMBERED, [TEXT.array(self._new)]), (_KNOWN, [TEXT.array(self._known)])]

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        numbered, known = results
        for account, *numbers in numbered:
            self._tenants[account] += numbers
        for account, number in known:
            self._tenants[account].append(number)

    def grant(self, changes: Changes) -> None:
        if not changes.tenant.of_operator:
            return
        for one in _opened(changes):
            test, live = self._tenants[one.id]
            self._opening += [(test, one.id, False), (live, one.id, True)]
        cause = changes.cause
        assert cause is not None, "whoever runs the server asks for everything themselves"
        for touched in self._told(changes):
            if touched.object == accounts.NOUN:
                terms = blocks.terms_of(cause, [touched.object])
                line = blocks.line(cause, [touched])
                entry = blocks.block(self._ids.new(blocks.PREFIX), terms, [line])
                self._entries += [(tenant, entry) for tenant in self._tenants[touched.id]]

    def second(self) -> list[Statement]:
        statements: list[Statement] = []
        if self._opening:
            numbers, of, modes = zip(*self._opening, strict=True)
            arrays = [BIGINT.array(numbers), TEXT.array(of), BOOLEAN.array(modes)]
            statements.append((_OPEN, arrays))
        if self._entries:
            statements.append((_TELL, _arrays(self._entries)))
        return statements


def _arrays(entries: Sequence[tuple[int, blocks.Block]]) -> list[Any]:
    return [
        BIGINT.array([tenant for tenant, _ in entries]),
        TEXT.array([block.id for _, block in entries]),
        BIGINT.array([block.terms for _, block in entries]),
        BYTEA.array([block.locators for _, block in entries]),
        BYTEA.array([block.payload for _, block in entries]),
    ]


def _opened(changes: Changes) -> Iterator[Account]:
    return (one for one in changes.added if isinstance(one, Account))


def _changed(changes: Changes) -> Iterator[Account]:
    return (after for _, after in changes.changed if isinstance(after, Account))
