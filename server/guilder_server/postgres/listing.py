"""A page of a list, newest first: one statement, bounded by the primary key.

Ids sort by creation, so the newest come first when the key of the table is read backwards,
and a page costs the same wherever in the list it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as dialect

from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.ids import first_id
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Connection, Pool

_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]
# An id is made a moment before or after its object reads the clock.
_SLACK = timedelta(seconds=1)
_FIRST_INSTANT = datetime(1971, 1, 1, tzinfo=UTC)
_LAST_INSTANT = datetime(2390, 1, 1, tzinfo=UTC)

Condition = sa.ColumnElement[bool]


async def page(
    pool: Pool,
    mapping: Mapping[Any],
    tenant_id: int,
    query: ListQuery,
    conditions: Sequence[Condition],
    prefix: str,
    noun: str,
) -> Page:
    """The objects of `mapping` that meet `conditions`, at most `query.limit` of them.

    `prefix` is that of their ids. What belongs to no tenant is everybody's. A cursor that names
    nothing of this tenant raises NoSuchReference with `noun`.
    """
    table = mapping.table
    bounds: list[Condition] = [*_of_tenant(table, tenant_id), *conditions]
    if query.created is not None:
        bounds += created_bounds(table, query.created, prefix)
    backwards = query.ending_before is not None
    cursor = query.ending_before if backwards else query.starting_after
    async with pool.query(tenant_id) as connection:
        if cursor is not None:
            await _refuse_unknown(connection, table, tenant_id, cursor, noun, backwards)
            bounds.append(table.c.id > cursor if backwards else table.c.id < cursor)
        order = table.c.id.asc() if backwards else table.c.id.desc()
        statement = select(mapping).where(*bounds).order_by(order).limit(query.limit + 1)
        rows = await fetch(connection, statement)
    items = [mapping.load(row) for row in rows[: query.limit]]
    return Page(items[::-1] if backwards else items, has_more=len(rows) > query.limit)


def select(mapping: Mapping[Any]) -> sa.Select[Any]:
    """The columns that `mapping.load` takes; as ready text, since there are many of them."""
    return sa.select(sa.literal_column(mapping.columns)).select_from(mapping.table)


async def fetch(connection: Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that was put together from parts; its values stay parameters."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    cursor = await connection.execute(str(compiled), compiled.params)
    return await cursor.fetchall()


async def _refuse_unknown(
    connection: Connection, table: sa.Table, tenant_id: int, cursor: str, noun: str, backwards: bool
) -> None:
    known = sa.select(sa.literal(1)).where(*_of_tenant(table, tenant_id), table.c.id == cursor)
    if not await fetch(connection, known):
        raise NoSuchReference(noun, cursor, "ending_before" if backwards else "starting_after")


def _of_tenant(table: sa.Table, tenant_id: int) -> list[Condition]:
    return [table.c.tenant_id == tenant_id] if "tenant_id" in table.c else []


def created_bounds(table: sa.Table, created: CreatedRange, prefix: str) -> list[Condition]:
    """Bounds on the column, and slightly wider ones on the id, which the primary key follows."""
    column, bounds = table.c.created, []
    if created.gt is not None:
        bounds.append(column > created.gt)
    if created.gte is not None:
        bounds.append(column >= created.gte)
    if created.lt is not None:
        bounds.append(column < created.lt)
    if created.lte is not None:
        bounds.append(column <= created.lte)
    starts = [start for start in (created.gt, created.gte) if start is not None]
    ends = [end for end in (created.lt, created.lte) if end is not None]
    if starts and (first := _id_at(prefix, max(starts), -_SLACK)):
        bounds.append(table.c.id >= first)
    if ends and (last := _id_at(prefix, min(ends), _SLACK)):
        bounds.append(table.c.id < last)
    return bounds


def _id_at(prefix: str, instant: datetime, slack: timedelta) -> str | None:
    """Where ids of about this instant begin; None outside the centuries that ids tell apart."""
    if not _FIRST_INSTANT < instant < _LAST_INSTANT:
        return None
    return first_id(prefix, instant + slack)
