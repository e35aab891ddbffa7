"""Payments as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.infra.tables import charges, payment_intents, refunds
from guilder_server.postgres import listing, search
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.search import Metadata, Moment, Number, Token

INTENTS = Mapping(Intent, payment_intents)
CHARGES = Mapping(Charge, charges)
REFUNDS = Mapping(Refund, refunds)

_SEARCHABLE_INTENTS: Dict[str, search.Field] = {
    "amount": Number(payment_intents.c.amount),
    "created": Moment(payment_intents.c.created),
    "currency": Token(payment_intents.c.currency),
    "customer": Token(payment_intents.c.customer_id),
    "metadata": Metadata(payment_intents.c.metadata),
    "status": Token(payment_intents.c.status),
}
_CARD = "payment_method_details.card"
_REFUNDED = charges.c.captured & (charges.c.amount_refunded == charges.c.amount_captured)
_SEARCHABLE_CHARGES: Dict[str, search.Field] = {
    "amount": Number(charges.c.amount),
    "billing_details.address.postal_code": Token(
        charges.c.billing_details["address"]["postal_code"].astext
    ),
    "created": Moment(charges.c.created),
    "currency": Token(charges.c.currency),
    "customer": Token(charges.c.customer_id),
    "metadata": Metadata(charges.c.metadata),
    f"{_CARD}.brand": Token(charges.c.card["brand"].astext),
    f"{_CARD}.exp_month": Number(charges.c.card["exp_month"].as_integer()),
    f"{_CARD}.exp_year": Number(charges.c.card["exp_year"].as_integer()),
    f"{_CARD}.fingerprint": Token(charges.c.card["fingerprint"].astext),
    f"{_CARD}.last4": Token(charges.c.card["last4"].astext),
    "refunded": Token(sa.case((_REFUNDED, "true"), else_="false")),
    "status": Token(charges.c.status),
}

_AWAITING_CUSTOMER = f"""
SELECT t.id, t.account_id, t.livemode, {INTENTS.columns}
FROM payment_intents JOIN tenants t ON t.id = payment_intents.tenant_id
WHERE payment_intents.id = %s AND payment_intents.status = 'requires_action' AND NOT t.livemode
"""

_EXPIRED = """
SELECT t.id, t.account_id, t.livemode, c.id
FROM charges c JOIN tenants t ON t.id = c.tenant_id
LEFT JOIN payment_intents p ON p.tenant_id = c.tenant_id AND p.id = c.payment_intent_id
WHERE c.capture_before < %s AND c.capture_before IS NOT NULL AND NOT c.captured
  AND NOT c.released AND c.attempt_id IS NULL AND p.attempt_id IS NULL
ORDER BY c.capture_before LIMIT %s
"""


class PostgresPayments:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool = pool
        self._reads = reads

    async def intent(self, tenant: Tenant, id: str) -> Intent | None:
        return await self._reads.one(INTENTS.lookup, tenant.id, id)

    async def charge(self, tenant: Tenant, id: str) -> Charge | None:
        return await self._reads.one(CHARGES.lookup, tenant.id, id)

    async def refund(self, tenant: Tenant, id: str) -> Refund | None:
        return await self._reads.one(REFUNDS.lookup, tenant.id, id)

    async def list_intents(self, tenant: Tenant, query: ListQuery, filters: Dict[str, str]) -> Page:
        return await self._page(INTENTS, tenant, query, filters, "pi", "payment_intent")

    async def list_charges(self, tenant: Tenant, query: ListQuery, filters: Dict[str, str]) -> Page:
        return await self._page(CHARGES, tenant, query, filters, "ch", "charge")

    async def list_refunds(self, tenant: Tenant, query: ListQuery, filters: Dict[str, str]) -> Page:
        return await self._page(REFUNDS, tenant, query, filters, "re", "refund")

    async def search_intents(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page:
        return await search.page(
            self._pool, INTENTS, tenant.id, query, _SEARCHABLE_INTENTS, [], limit, page
        )

    async def search_charges(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page:
        return await search.page(
            self._pool, CHARGES, tenant.id, query, _SEARCHABLE_CHARGES, [], limit, page
        )

    async def awaiting_customer(self, id: str) -> tuple[Tenant, Intent] | None:
        async with self._pool.jobs.query() as connection:
            row = await (await connection.execute(_AWAITING_CUSTOMER, [id])).fetchone()
        return None if row is None else (Tenant(*row[:3]), INTENTS.load(row[3:]))

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        async with self._pool.jobs.query() as connection:
            rows = await (await connection.execute(_EXPIRED, [now, limit])).fetchall()
        return [(Tenant(id, account, livemode), found) for id, account, livemode, found in rows]

    async def _page(
        self,
        mapping: Mapping[Any],
        tenant: Tenant,
        query: ListQuery,
        filters: Dict[str, str],
        prefix: str,
        noun: str,
    ) -> Page:
        """`filters` are columns and the values that they must have."""
        conditions = [mapping.table.c[name] == value for name, value in filters.items()]
        return await listing.page(self._pool, mapping, tenant.id, query, conditions, prefix, noun)
