"""Going along the chains of the trail: every entry as it was written, each in its place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from guilder_server.audit.infra.chaining import CHAINED
from guilder_server.audit.verification import reading
from guilder_server.audit.verification.reading import Row
from guilder_server.kernel import heads
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.postgres.chaining import WHOSE
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.trail import blocks

_TENANTS = f"""
SELECT b.tenant_id,
       CASE WHEN t.id = {OPERATOR.id} THEN t.account_id
            ELSE coalesce(t.account_id || CASE WHEN t.livemode THEN '/live' ELSE '/test' END,
                          b.tenant_id::text) END
FROM (SELECT tenant_id FROM audit_blocks UNION SELECT tenant_id FROM audit_checkpoints) b
LEFT JOIN ({WHOSE}) t ON t.id = b.tenant_id
WHERE %(account)s::text IS NULL OR t.account_id = %(account)s ORDER BY b.tenant_id
"""  # noqa: S608 - constants


class Altered(Exception):
    """What was written is not there as it was; the message is a sentence."""


@dataclass(slots=True)
class Walk:
    """Goes along the chains of one account, or of all, from what is remembered of each if it is
    `incremental`. `ends` is how far each goes."""

    connection: Connection
    account: str | None
    remembered: Mapping[str, Mark]
    incremental: bool
    ends: dict[str, Mark] = field(default_factory=dict)
    entries: int = 0
    waiting: int = 0

    async def run(self) -> None:
        """Raises Altered at the first difference."""
        asked = {"account": self.account}
        rows = await (await self.connection.execute(_TENANTS, asked)).fetchall()
        gone = sorted(self._own(self.remembered) - {name for _, name in rows})
        if gone:
            raise Altered(f"the audit trail of {gone[0]} was remembered and is gone")
        for tenant, name in rows:
            await self._tenant(tenant, name)

    def _own(self, names: Mapping[str, Mark]) -> set[str]:
        return {
            name
            for name in names
            if self.account is None or name.rpartition("/")[0] == self.account
        }

    async def _tenant(self, tenant: int, name: str) -> None:
        mark = self.remembered.get(name)
        position, head, last = 0, heads.GENESIS, None
        if mark is not None and self.incremental:
            await self._passes(tenant, name, mark)
            position, head = mark.position, mark.head
        rows = reading.walked(self.connection, reading.CHAINED, tenant, position)
        async with aclosing(rows) as walk:
            async for row in walk:
                position += 1
                if row.position != position:
                    raise Altered(_gap(name, position, last, row))
                await self._stands(tenant, name, row, position, head)
                head, last = _head(head, position, row), row
        if mark is not None and not self.incremental:
            await self._passes(tenant, name, mark)
        if position:
            self.ends[name] = Mark(position, head)
        async with aclosing(reading.walked(self.connection, reading.PENDING, tenant)) as walk:
            async for row in walk:
                if row.head is not None:
                    raise Altered(f"{row.name()} of {name} has lost its place in the chain")
                self._is_whole(name, row)
                self.waiting += 1

    async def _stands(self, tenant: int, name: str, row: Row, position: int, before: bytes) -> None:
        """Raises Altered unless the row is what was chained at `position`, behind `before`."""
        self._is_whole(name, row)
        head = _head(before, position, row)
        if head == row.head:
            return
        following = await reading.row_at(self.connection, tenant, position + 1)
        if following is not None and following.head == _head(head, position + 1, following):
            raise Altered(f"the head of the chain of {name} at {position} was edited")
        there = f"at position {position} of {name}"
        rows = reading.walked(self.connection, reading.EVERY, tenant, name="others")
        async with aclosing(rows) as walk:
            async for other in walk:
                if other.id != row.id and _head(before, position, other) in (row.head, other.head):
                    place = "nowhere" if other.position is None else f"at {other.position}"
                    raise Altered(
                        f"{row.name()} was inserted or moved: it stands {there}, where "
                        f"{other.name()} was chained, which now stands {place}"
                    )
        raise Altered(
            f"{row.name()} {there} is not what was chained there: it was edited, or what stood "
            "there was deleted"
        )

    def _is_whole(self, name: str, row: Row) -> None:
        """Raises Altered unless the parts of the row fit together."""
        try:
            lines, entries = row.lines(), row.entries()
        except blocks.Damaged as damaged:
            raise Altered(f"{row.name()} of {name} was edited: {damaged}") from damaged
        if not entries or not blocks.is_id(row.id):
            raise Altered(f"{row.name()} of {name} was edited: it is no entry any more")
        if (place := _other(row.locators, blocks.locators(lines))) is not None:
            raise Altered(_blame(name, row, entries, place))
        terms = 0
        for one in entries:
            terms |= blocks.terms_of(one.cause, {part.object for part in one.touched})
        if terms != row.terms:
            raise Altered(f"what {row.name()} of {name} is found by was edited")
        self.entries += len(entries)

    async def _passes(self, tenant: int, name: str, mark: Mark) -> None:
        row = await reading.row_at(self.connection, tenant, mark.position)
        if row is None:
            raise Altered(
                f"the audit trail of {name} ends before position {mark.position}, which was "
                "remembered: the entries at its end were deleted"
            )
        if row.head != mark.head:
            raise Altered(
                f"the audit trail of {name} does not pass through the head that was remembered at "
                f"{mark.position}: it was written anew"
            )


def _head(before: bytes, position: int, row: Row) -> bytes:
    return heads.head(CHAINED.prefix, before, position, blocks.digest(row.id, row.payload))


def _other(locators: bytes, there: bytes) -> int | None:
    """The first entry of a block that is not as its locator says, or that has none."""
    if locators == there:
        return None
    size = blocks.LOCATOR
    for place in range(max(len(locators), len(there)) // size):
        part = slice(place * size, (place + 1) * size)
        if locators[part] != there[part]:
            return place
    return 0


def _blame(name: str, row: Row, entries: list[blocks.Entry], place: int) -> str:
    there, count = len(entries), max(len(row.locators) // blocks.LOCATOR, 1)
    if there < count:
        return (
            f"entry {blocks.entry_id(row.id, place)} of {name}, or one after it, was deleted from "
            f"its commit{reading.when(row.id)}"
        )
    if there == count:
        return f"entry {reading.said(entries[place])} of {name} was edited"
    added = entries[place] if row.locators else entries[1]
    return f"entry {reading.said(added)} of {name} was added to its commit"


def _gap(name: str, position: int, last: Row | None, row: Row) -> str:
    assert row.position is not None
    missing = row.position - position
    commits = "the commit" if missing == 1 else f"{missing} commits"
    after = f"after {last.name()} and " if last is not None else ""
    return (
        f"what {commits} at position {position} of {name} wrote was deleted: it stood {after}"
        f"before {row.name()}"
    )
