"""Customers as PostgreSQL keeps them."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.infra.tables import CUSTOMERS, customers
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.postgres import listing, search
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.search import Field, Metadata, Moment, Text

_PREFIX, _NOUN = "cus", "customer"
_THERE = customers.c.deleted.is_(False)
_SEARCHABLE: dict[str, Field] = {
    "created": Moment(customers.c.created),
    "email": Text(customers.c.email, customers.c.email_folded),
    "metadata": Metadata(customers.c.metadata),
    "name": Text(customers.c.name),
    "phone": Text(customers.c.phone),
}


class PostgresCustomers:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool = pool
        self._reads = reads

    async def find(self, tenant_id: int, id: str) -> Customer | None:
        return await self._reads.one(CUSTOMERS.lookup, tenant_id, id)

    async def page(self, tenant_id: int, query: ListQuery, email: str | None = None) -> Page:
        conditions: list[sa.ColumnElement[bool]] = [_THERE]
        if email is not None:
            conditions += [customers.c.email_folded == sa.func.lower(email)]
            conditions += [customers.c.email == email]
        return await listing.page(
            self._pool, CUSTOMERS, tenant_id, query, conditions, _PREFIX, _NOUN
        )

    async def search(self, tenant_id: int, query: str, limit: int, page: str | None) -> Page:
        return await search.page(
            self._pool, CUSTOMERS, tenant_id, query, _SEARCHABLE, [_THERE], limit, page
        )
