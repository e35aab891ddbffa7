"""The audit trail as PostgreSQL keeps it, read back.

Ids are times, so a page is bounded by the primary key. What is filtered by stands inside of the
blocks: a bit of `terms` for each actor, action and kind of object lets PostgreSQL pass over most of
those that have nothing of it, and the rest is looked through here, newest first. An object or a
request that is named bounds the search as well, since nothing happened to it before it was made.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from guilder_server.audit.domain.entry import NOUN, Entry, Place, Wanted
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference
from guilder_server.kernel.ids import first_id
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.trail import blocks

_COLUMNS = "id, payload, position, head"
_FIND = (
    f"SELECT {_COLUMNS} FROM audit_blocks WHERE tenant_id = %s AND id BETWEEN %s AND %s "
    "ORDER BY id DESC LIMIT 1"
)
_WALK = (
    f"SELECT {_COLUMNS} FROM audit_blocks WHERE tenant_id = %s AND id >= %s AND id < %s "
    "AND terms & %s = %s ORDER BY id {} LIMIT %s"
)
_AT_ONCE = 200
_LONGEST_S = 10
# Clocks of several machines differ, and a request may be carried out by a job later on.
_EARLIER, _LATER = timedelta(hours=1), timedelta(days=7)
_FIRST, _LAST = f"{blocks.PREFIX}_", f"{blocks.PREFIX}_~"
_FIRST_INSTANT = datetime(1971, 1, 1, tzinfo=UTC)
_LAST_INSTANT = datetime(2390, 1, 1, tzinfo=UTC)
_MADE_HERE = re.compile(r"[a-z]+_[0-9A-Za-z]{24}", re.ASCII)


@dataclass(slots=True)
class _Bounds:
    """Blocks from `first` up to, and without, `last`."""

    first: str = _FIRST
    last: str = _LAST

    def since(self, instant: datetime) -> None:
        if instant > _FIRST_INSTANT:
            first = first_id(blocks.PREFIX, min(instant, _LAST_INSTANT))
            self.first = max(self.first, first)

    def until(self, instant: datetime) -> None:
        if instant < _LAST_INSTANT:
            last = first_id(blocks.PREFIX, max(instant, _FIRST_INSTANT))
            self.last = min(self.last, last)


class PostgresTrail:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def entry(self, tenant: Tenant, id: str) -> Entry | None:
        if not blocks.is_id(id):
            return None
        async with self._pool.query(tenant.id) as connection:
            asked = [tenant.id, blocks.first_of(id), id]
            row = await (await connection.execute(_FIND, asked)).fetchone()
        if row is None:
            return None
        return next((one for one in _entries(row, Wanted()) if one.id == id), None)

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        backwards = query.ending_before is not None
        cursor = query.ending_before or query.starting_after
        bounds = _bounds(query, wanted)
        if cursor is not None:
            if await self.entry(tenant, cursor) is None:
                param = "ending_before" if backwards else "starting_after"
                raise NoSuchReference(NOUN, cursor, param)
            if backwards:
                bounds.first = max(bounds.first, blocks.first_of(cursor))
            else:
                # Its own block too, which may hold others before it.
                bounds.last = min(bounds.last, cursor + "~")
        found = await self._found(tenant, query.limit + 1, wanted, bounds, cursor, backwards)
        items = found[: query.limit]
        return Page(items[::-1] if backwards else items, has_more=len(found) > query.limit)

    async def _found(
        self,
        tenant: Tenant,
        count: int,
        wanted: Wanted,
        bounds: _Bounds,
        cursor: str | None,
        ascending: bool,
    ) -> list[Entry]:
        found: list[Entry] = []
        terms, began = _terms(wanted), time.monotonic()

        def follows(id: str) -> bool:
            return cursor is None or (id > cursor if ascending else id < cursor)

        sql = _WALK.format("ASC" if ascending else "DESC")
        size = count if wanted == Wanted() else _AT_ONCE
        while True:
            asked = [tenant.id, bounds.first, bounds.last, terms, terms, size]
            async with self._pool.query(tenant.id) as connection:
                rows = await (await connection.execute(sql, asked)).fetchall()
            for row in rows:
                entries = [one for one in _entries(row, wanted) if follows(one.id)]
                found += entries if ascending else reversed(entries)
                if len(found) >= count:
                    return found[:count]
            if len(rows) < size:
                return found
            if ascending:
                bounds.first = rows[-1][0] + "!"
            else:
                bounds.last = rows[-1][0]
            if time.monotonic() - began > _LONGEST_S:
                raise InvalidRequest(
                    "parameter_missing",
                    "There is more to look through than one request may take. Send created with "
                    "a range of time as well.",
                    "created",
                )


def _entries(row: Sequence[Any], wanted: Wanted) -> Iterator[Entry]:
    """Those of a block that are wanted, oldest first. A damaged one is for `verify` to tell of."""
    id, payload, position, head = row
    place = None if position is None else Place(position, head)
    needles = [
        one.encode()
        for one in (wanted.actor, wanted.action, wanted.object_id, wanted.request)
        if (one is not None and one.isalnum()) or (one is not None and _MADE_HERE.fullmatch(one))
    ]
    try:
        text = blocks.unpack(payload)
        if not all(needle in text for needle in needles):
            return
        for number, line in enumerate(blocks.lines_of(text)):
            if all(needle in line for needle in needles):
                one = blocks.entry(id, number, line)
                if wanted.is_met(one.cause, one.touched):
                    yield Entry(one.id, one.created, one.cause, one.touched, place)
    except blocks.Damaged:
        return


def _terms(wanted: Wanted) -> int:
    asked = {
        "actor_type": wanted.actor_type,
        "actor": wanted.actor,
        "action": wanted.action,
        "object": wanted.object,
    }
    terms = 0
    for name, value in asked.items():
        if value is not None:
            terms |= blocks.bit(name, value)
    return terms


def _bounds(query: ListQuery, wanted: Wanted) -> _Bounds:
    bounds = _Bounds()
    if query.created is not None:
        if query.created.gte is not None:
            bounds.since(query.created.gte)
        if query.created.lt is not None:
            bounds.until(query.created.lt)
    for named in (wanted.object_id, wanted.request):
        if named is not None and _MADE_HERE.fullmatch(named):
            bounds.since(blocks.instant_of(named) - _EARLIER)
    if wanted.request is not None and _MADE_HERE.fullmatch(wanted.request):
        bounds.until(blocks.instant_of(wanted.request) + _LATER)
    return bounds
