"""The canonical lines of transactions, made again from the rows as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from guilder_server.ledger.domain import chain
from guilder_server.ledger.infra.blocks import canonical
from guilder_server.postgres.pool import Connection

_HEADERS = """
SELECT id, kind, source, created, available, currency, description, effective_at, reference,
       reverses, metadata::text, pairs::text, exchange::text
FROM ledger_transactions WHERE tenant_id = %s AND id = ANY(%s)
"""
_ENTRIES = """
SELECT e.transaction_id, a.code, a.currency, e.version, e.amount, e.balance, e.posted_at,
       e.effective_at
FROM ledger_entries e
LEFT JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
WHERE e.tenant_id = %s AND e.transaction_id = ANY(%s)
"""

_DOCUMENTS = 3  # the last columns of a header: metadata, pairs and exchange

Row = tuple[Any, ...]
Line = tuple[bytes, Row]  # the row's columns, in the order in which the line has them


async def lines_of(
    connection: Connection, tenant: int, ids: Sequence[str]
) -> dict[str, list[Line]]:
    """Of each transaction that is there: its header, and its entries in the order of their lines.
    Entries of one whose header is gone come without it."""
    wanted = [tenant, list(ids)]
    headers = await (await connection.execute(_HEADERS, wanted)).fetchall()
    entries = await (await connection.execute(_ENTRIES, wanted)).fetchall()
    sides: dict[str, list[Line]] = {}
    for id, *columns in entries:
        sides.setdefault(id, []).append((chain.entry(*columns), tuple(columns)))
    found = {row[0]: [_header(row), *sorted(sides.pop(row[0], ()))] for row in headers}
    return {**found, **{id: sorted(lines) for id, lines in sides.items()}}


def is_header(line: bytes) -> bool:
    return line.startswith(b"t")


def _header(row: Row) -> Line:
    columns, documents = row[:-_DOCUMENTS], row[-_DOCUMENTS:]
    plain = (*columns, *map(_json, documents))
    return chain.header(*plain), plain


def _json(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return canonical(msgspec.json.decode(text))
    except msgspec.DecodeError:
        # No commit wrote a number like this; it must not look like one that did.
        return text
