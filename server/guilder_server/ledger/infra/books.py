"""The accounts and transactions of the ledger, read back."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import (
    Entry,
    LedgerAccount,
    Standing,
    entry_id,
    version_of,
)
from guilder_server.ledger.domain.holds import Hold, Status
from guilder_server.ledger.domain.posted import Pair, Posted, Shown
from guilder_server.ledger.domain.reversals import Reversal
from guilder_server.ledger.infra import as_of, journal
from guilder_server.ledger.infra.standings import (
    COLUMNS,
    PROFILED,
    code_range,
    normal,
    standing_of,
)
from guilder_server.ledger.infra.store import HEADERS, Header
from guilder_server.ledger.infra.tables import HOLDS, REFERENCES, REVERSALS
from guilder_server.postgres.columns import BIGINT, TEXT
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import Lookup, MergedReads

_STANDING: Lookup[Standing | None] = Lookup(
    f"SELECT a.tenant_id, a.public_id, {COLUMNS} FROM unnest(%s, %s) AS k(tenant_id, id) "
    f"JOIN ledger_accounts a ON a.tenant_id = k.tenant_id AND a.public_id = k.id {PROFILED}",
    (BIGINT, TEXT),
    standing_of,
)
_PAGE = f"""
    SELECT {COLUMNS} FROM ledger_accounts a {PROFILED}
    WHERE a.tenant_id = %(tenant)s
      AND (%(cursor)s::text IS NULL OR a.public_id COLLATE "C" {{side}} %(cursor)s)
      AND (%(first)s::text IS NULL OR a.code >= %(first)s AND a.code < %(end)s)
    ORDER BY a.public_id {{order}} LIMIT %(limit)s
"""
_ENTRIES = """
    SELECT e.version, e.transaction_id, e.amount, e.balance, e.posted_at, e.effective_at
    FROM ledger_entries e
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE a.tenant_id = %(tenant)s AND a.public_id = %(account)s
      AND (%(cursor)s::bigint IS NULL OR e.version {side} %(cursor)s)
    ORDER BY e.version {order} LIMIT %(limit)s
"""
_AS_OF = f"""
    SELECT held.balance, held.entries FROM ledger_accounts a, {as_of.BALANCE}
    WHERE a.tenant_id = %(tenant)s AND a.public_id = %(account)s
"""
_SIDES = """
SELECT a.public_id, e.amount, a.currency FROM ledger_entries e
JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
WHERE e.tenant_id = %s AND e.transaction_id = %s ORDER BY e.amount DESC, a.public_id
"""
_CODE = "SELECT FROM ledger_profiles WHERE tenant_id = %s AND code = %s"
_REFERENCES = "SELECT id FROM ledger_references WHERE tenant_id = %s AND id = ANY(%s)"
_EXPIRED = (
    "SELECT h.tenant_id, t.account_id, t.livemode, h.id FROM ledger_holds h "
    "JOIN tenants t ON t.id = h.tenant_id "
    "WHERE h.status = 'pending' AND h.expires_at <= %s ORDER BY h.expires_at LIMIT %s"
)
_OWN = (
    "SELECT public_id, currency FROM ledger_accounts WHERE tenant_id = %s AND public_id = ANY(%s)"
)


class PostgresBooks:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def standing(self, tenant: Tenant, id: str) -> Standing | None:
        return await self._reads.one(_STANDING, tenant.id, id)

    async def standings(self, tenant: Tenant, ids: Sequence[str]) -> dict[str, Standing]:
        arrays = [BIGINT.array([tenant.id] * len(ids)), TEXT.array(list(ids))]
        rows = await self._rows(tenant, _STANDING.sql, arrays)
        return {row[1]: standing_of(row[2:]) for row in rows}

    async def code_taken(self, tenant: Tenant, code: str) -> bool:
        return bool(await self._rows(tenant, _CODE, [tenant.id, code]))

    async def accounts(self, tenant: Tenant, query: ListQuery, code: str | None) -> Page:
        first, end = code_range(code)
        values = {"tenant": tenant.id, "first": first, "end": end}
        cursor = query.starting_after or query.ending_before
        if cursor is not None and await self.standing(tenant, cursor) is None:
            raise NoSuchReference("ledger account", cursor, _cursor_param(query))
        rows, more = await self._paged(tenant, _PAGE, {**values, "cursor": cursor}, query)
        return Page([standing_of(row) for row in rows], has_more=more)

    async def as_of(
        self,
        tenant: Tenant,
        account: LedgerAccount,
        known_at: datetime | None,
        effective_at: datetime | None,
    ) -> tuple[int, int]:
        instants = as_of.instants(as_of.end_of(known_at), as_of.end_of(effective_at))
        values = {"tenant": tenant.id, "account": account.id, **instants}
        ((balance, entries),) = await self._rows(tenant, _AS_OF, values)
        return normal(account.normal_side, int(balance)), entries

    async def entries(self, tenant: Tenant, standing: Standing, query: ListQuery) -> Page:
        account = standing.account
        word = query.starting_after or query.ending_before
        cursor = None
        if word is not None:
            cursor = version_of(word)
            there = cursor is not None and 0 < cursor <= standing.entries
            if cursor is None or not there or word != entry_id(account.id, cursor):
                raise NoSuchReference("ledger entry", word, _cursor_param(query))
        values = {"tenant": tenant.id, "account": account.id, "cursor": cursor}
        rows, more = await self._paged(tenant, _ENTRIES, values, query)
        found = [
            Entry(account, version, transaction, amount, balance, posted, effective or posted)
            for version, transaction, amount, balance, posted, effective in rows
        ]
        return Page(found, has_more=more)

    async def posted(self, tenant: Tenant, id: str) -> Posted | None:
        header = await self._reads.one(HEADERS.lookup, tenant.id, id)
        if header is None:
            hold = await self.hold(tenant, id)
            if hold is None or hold.status != "posted":
                return None if hold is None else await self._pending(tenant, hold)
            # It was posted between these two.
            header = await self._reads.one(HEADERS.lookup, tenant.id, id)
            assert header is not None, "a hold is posted together with its transaction"
        reversal = await self.reversal(tenant, id)
        return _posted(header, await self._shown(tenant, header), reversal)

    async def transactions(
        self, tenant: Tenant, query: ListQuery, status: Status | None, reference: str | None
    ) -> Page:
        id = None
        if reference is not None:
            named = await self._reads.one(REFERENCES.lookup, tenant.id, reference)
            if named is None:
                return Page([], has_more=False)
            id = named.transaction_id
        cursor = query.starting_after or query.ending_before
        if cursor is not None and await self.posted(tenant, cursor) is None:
            raise NoSuchReference("ledger transaction", cursor, _cursor_param(query))
        found, more = await journal.page(self._pool, tenant, query, status, id)
        pairs = (pair for one in found for pair in one.pairs or ())
        currencies = await self._currencies(tenant, pairs)
        # Asked for together, they are read in one trip.
        reversals = await asyncio.gather(*(self.reversal(tenant, one.id) for one in found))
        together = zip(found, reversals, strict=True)
        return Page(
            [
                dataclasses.replace(
                    one,
                    shown=tuple(Shown(*pair, currencies[pair[0]]) for pair in one.pairs or ()),
                    reversed=reversal is not None and reversal.whole,
                )
                for one, reversal in together
            ],
            more,
        )

    async def references(self, tenant: Tenant, wanted: Sequence[str]) -> set[str]:
        if not wanted:
            return set()
        rows = await self._rows(tenant, _REFERENCES, [tenant.id, list(wanted)])
        return {word for (word,) in rows}

    async def hold(self, tenant: Tenant, id: str) -> Hold | None:
        return await self._reads.one(HOLDS.lookup, tenant.id, id)

    async def expired(self, now: datetime, limit: int) -> list[tuple[Tenant, str]]:
        async with self._pool.jobs.point() as connection:
            rows = await (await connection.execute(_EXPIRED, [now, limit])).fetchall()
        return [(Tenant(*row[:3]), row[3]) for row in rows]

    async def _pending(self, tenant: Tenant, hold: Hold) -> Posted:
        return Posted(
            hold.id,
            hold.created,
            "transfer",
            None,
            hold.description,
            hold.reference,
            None,
            hold.created,
            hold.metadata,
            await self._paired(tenant, hold.pairs),
            tuple(hold.pairs),
            exchange=hold.exchange,
            version=hold.version,
            status=hold.status,
            expires_at=hold.expires_at,
        )

    async def reversal(self, tenant: Tenant, id: str) -> Reversal | None:
        return await self._reads.one(REVERSALS.lookup, tenant.id, id)

    async def _shown(self, tenant: Tenant, header: Header) -> tuple[Shown, ...]:
        """Its postings; of a movement of payments, out of its entries."""
        if header.pairs is not None:
            return await self._paired(tenant, header.pairs)
        sides = await self._rows(tenant, _SIDES, [tenant.id, header.id])
        return tuple(_side(*row) for row in sides)

    async def _paired(self, tenant: Tenant, pairs: Sequence[Pair]) -> tuple[Shown, ...]:
        currencies = await self._currencies(tenant, pairs)
        return tuple(Shown(*pair, currencies[pair[0]]) for pair in pairs)

    async def _currencies(self, tenant: Tenant, pairs: Iterable[Pair]) -> dict[str, str]:
        """Of the accounts that are debited, which are those of the credited."""
        named = list({debited for debited, _, _ in pairs})
        return dict(await self._rows(tenant, _OWN, [tenant.id, named])) if named else {}

    async def _paged(
        self, tenant: Tenant, sql: str, values: dict[str, Any], query: ListQuery
    ) -> tuple[list[Any], bool]:
        backwards = query.ending_before is not None
        side, order = (">", "ASC") if backwards else ("<", "DESC")
        statement = sql.format(side=side, order=order)
        rows = await self._rows(tenant, statement, {**values, "limit": query.limit + 1})
        kept = rows[: query.limit]
        return kept[::-1] if backwards else kept, len(rows) > query.limit

    async def _rows(self, tenant: Tenant, sql: str, values: Any) -> list[Any]:
        async with self._pool.point([tenant.id]) as connection:
            cursor = await connection.execute(sql, values)
        return await cursor.fetchall()


def _posted(header: Header, shown: tuple[Shown, ...], reversal: Reversal | None) -> Posted:
    return Posted(
        header.id,
        header.created,
        header.kind,
        None if header.pairs is not None else header.source,
        header.description,
        header.reference,
        header.reverses,
        header.effective_at or header.created,
        header.metadata or {},
        shown,
        None if header.pairs is None else tuple(header.pairs),
        exchange=header.exchange,
        reversed=reversal is not None and reversal.whole,
    )


def _side(account: str, amount: int, currency: str) -> Shown:
    debit, credit = (account, None) if amount > 0 else (None, account)
    return Shown(debit, credit, abs(amount), currency)


def _cursor_param(query: ListQuery) -> str:
    return "starting_after" if query.starting_after is not None else "ending_before"
