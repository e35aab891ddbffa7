"""The audit trail, as a part of a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from guilder_server.audit.domain.portraits import Portraits
from guilder_server.audit.domain.touching import touched
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import Cause, Touched
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.ids import Ids
from guilder_server.postgres.columns import BIGINT, BYTEA, TEXT
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.statements import Statement
from guilder_server.postgres.trail import blocks

_INSERT = (
    "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s)"
)
# By then the sides of an account that was only just opened are there.
_INSERT_FOR_ACCOUNTS = (
    "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload) "
    "SELECT t.id, b.id, b.terms, b.locators, b.payload "
    "FROM unnest(%s, %s, %s, %s, %s) b(account_id, id, terms, locators, payload) "
    "JOIN tenants t USING (account_id)"
)
_ACCOUNT = "account"
# Of what nobody has said who wanted it.
_UNSAID = Cause(Actor("job", "worker"), "worker")
# A block of many or of large entries is read back in little memory: more goes into another one.
_LARGEST_BYTES = 1_000_000


def audit_log(portraits: Portraits, ids: Ids) -> PartMaker:
    return lambda _sets: AuditLog(portraits, ids)


class _Gathered:
    def __init__(self) -> None:
        self.terms = 0
        self.lines: list[bytes] = []
        self.size = 0


class AuditLog(Part):
    """One entry for each change set that is granted and changes something that is audited. It
    refuses nobody and locks nothing. What whoever runs the server does to an account stands in the
    trail of both of its modes too, as what they do at the command line."""

    def __init__(self, portraits: Portraits, ids: Ids) -> None:
        self._portraits, self._ids = portraits, ids
        self._gathered: dict[int, list[_Gathered]] = {}
        self._of_accounts: list[tuple[str, blocks.Block]] = []

    def first(self) -> list[Statement]:
        return []

    def read(self, results: list[list[Any]]) -> None: ...

    def refusal(self, changes: Changes) -> Exception | None:
        return None

    def grant(self, changes: Changes) -> None:
        found = touched(self._portraits, changes)
        if not found:
            return
        cause = changes.cause or _UNSAID
        line = blocks.line(cause, found)
        group = self._gathered.setdefault(changes.tenant.id, [_Gathered()])
        last = group[-1]
        if last.lines and last.size + len(line) > _LARGEST_BYTES:
            last = _Gathered()
            group.append(last)
        last.lines.append(line)
        last.size += len(line)
        last.terms |= blocks.terms_of(cause, {one.object for one in found})
        if changes.tenant.of_operator:
            self._tell_accounts(cause, [one for one in found if one.object == _ACCOUNT])

    def second(self) -> list[Statement]:
        made = list(self._blocks())
        if not made:
            return []
        tenants = BIGINT.array([tenant for tenant, _ in made])
        return [(_INSERT, [tenants, *_columns([block for _, block in made])])]

    def last(self) -> list[Statement]:
        if not self._of_accounts:
            return []
        accounts = TEXT.array([account for account, _ in self._of_accounts])
        columns = _columns([block for _, block in self._of_accounts])
        return [(_INSERT_FOR_ACCOUNTS, [accounts, *columns])]

    def _tell_accounts(self, cause: Cause, accounts: list[Touched]) -> None:
        for one in accounts:
            line = blocks.line(cause, [one])
            id = blocks.first_of(self._ids.new(blocks.PREFIX))
            block = blocks.block(id, blocks.terms_of(cause, {_ACCOUNT}), [line])
            self._of_accounts.append((one.id, block))

    def _blocks(self) -> Iterator[tuple[int, blocks.Block]]:
        for tenant, group in self._gathered.items():
            for one in group:
                id = blocks.first_of(self._ids.new(blocks.PREFIX))
                yield tenant, blocks.block(id, one.terms, one.lines)


def _columns(made: Sequence[blocks.Block]) -> list[Any]:
    return [
        TEXT.array([block.id for block in made]),
        BIGINT.array([block.terms for block in made]),
        BYTEA.array([block.locators for block in made]),
        BYTEA.array([block.payload for block in made]),
    ]
