"""The transactions of callers as one list: those that are posted, and those that hold money, or
held it and were let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.holds import Status
from guilder_server.ledger.domain.posted import Pair, Posted
from guilder_server.ledger.domain.transfers import PREFIX
from guilder_server.ledger.infra.tables import holds, transactions
from guilder_server.postgres import listing
from guilder_server.postgres.pool import Pool

# A hold that was posted stands in the ledger itself.
_OF_HOLDS: tuple[Status, ...] = ("pending", "voided", "expired")
_metadata = msgspec.json.Decoder(dict[str, str])
_pairs = msgspec.json.Decoder(list[Pair])
_exchange = msgspec.json.Decoder(Exchange)


async def page(
    pool: Pool, tenant: Tenant, query: ListQuery, status: Status | None, id: str | None
) -> tuple[list[Posted], bool]:
    """Newest first, with what is posted without a word about its reversal and, as `shown`, nothing
    yet; and whether there are more. One statement, each of whose parts ends with the page."""
    backwards = query.ending_before is not None
    wanted = [status] if status is not None else ["posted", *_OF_HOLDS]
    parts = [
        _part(tenant, query, one, id).limit(query.limit + 1).subquery().select() for one in wanted
    ]
    together = sa.union_all(*parts).subquery()
    order = together.c.id.asc() if backwards else together.c.id.desc()
    statement = sa.select(together).order_by(order).limit(query.limit + 1)
    async with pool.query(tenant.id) as connection:
        rows = await listing.fetch(connection, statement)
    found = [_load(row) for row in rows[: query.limit]]
    return found[::-1] if backwards else found, len(rows) > query.limit


def _part(tenant: Tenant, query: ListQuery, status: str, id: str | None) -> sa.Select[Any]:
    table = transactions if status == "posted" else holds
    part = _posted() if status == "posted" else _held(status)
    part = part.where(table.c.tenant_id == tenant.id)
    if id is not None:
        part = part.where(table.c.id == id)
    if query.created is not None:
        part = part.where(*listing.created_bounds(table, query.created, PREFIX))
    if query.ending_before is not None:
        return part.where(table.c.id > query.ending_before).order_by(table.c.id.asc())
    if query.starting_after is not None:
        part = part.where(table.c.id < query.starting_after)
    return part.order_by(table.c.id.desc())


def _posted() -> sa.Select[Any]:
    """Beside them in the index stand those of payments, which are not even looked at."""
    table = transactions.c
    return sa.select(
        table.id,
        table.created,
        table.kind,
        table.description,
        table.reference,
        table.reverses,
        sa.func.coalesce(table.effective_at, table.created).label("effective_at"),
        table.metadata,
        table.pairs,
        table.exchange,
        sa.literal_column("'posted'").label("status"),
        sa.literal_column("NULL::timestamptz").label("expires_at"),
    ).where(table.pairs.is_not(None), table.id >= f"{PREFIX}_", table.id < f"{PREFIX}`")


def _held(status: str) -> sa.Select[Any]:
    table = holds.c
    return sa.select(
        table.id,
        table.created,
        sa.literal_column("'transfer'").label("kind"),
        table.description,
        table.reference,
        sa.literal_column("NULL").label("reverses"),
        table.created.label("effective_at"),
        table.metadata,
        table.pairs,
        table.exchange,
        table.status,
        table.expires_at,
    ).where(table.status == sa.literal_column(f"'{status}'"))  # as the index says it


def _load(row: Sequence[Any]) -> Posted:
    id, created, kind, description, reference, reverses, effective_at, *rest = row
    metadata, pairs, exchange, status, expires_at = rest
    return Posted(
        id,
        created,
        kind,
        None,
        description,
        reference,
        reverses,
        effective_at,
        {} if metadata is None else _metadata.decode(metadata),
        (),
        tuple(_pairs.decode(pairs)),
        exchange=None if exchange is None else _exchange.decode(exchange),
        status=status,
        expires_at=expires_at,
    )
