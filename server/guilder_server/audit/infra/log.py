"""The audit trail, as a part of a commit."""

from __future__ import annotations

from collections.abc import Iterator

from guilder_server.audit.domain.portraits import Portraits
from guilder_server.audit.domain.touching import touched
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import Cause
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
    refuses nobody and locks nothing."""

    def __init__(self, portraits: Portraits, ids: Ids) -> None:
        self._portraits, self._ids = portraits, ids
        self._gathered: dict[int, list[_Gathered]] = {}

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

    def second(self) -> list[Statement]:
        made = list(self._blocks())
        if not made:
            return []
        arrays = [
            BIGINT.array([tenant for tenant, _ in made]),
            TEXT.array([block.id for _, block in made]),
            BIGINT.array([block.terms for _, block in made]),
            BYTEA.array([block.locators for _, block in made]),
            BYTEA.array([block.payload for _, block in made]),
        ]
        return [(_INSERT, arrays)]

    def _blocks(self) -> Iterator[tuple[int, blocks.Block]]:
        for tenant, group in self._gathered.items():
            for one in group:
                id = blocks.first_of(self._ids.new(blocks.PREFIX))
                yield tenant, blocks.block(id, one.terms, one.lines)
