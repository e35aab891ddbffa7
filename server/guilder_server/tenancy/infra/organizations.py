"""Organizations and accounts as PostgreSQL keeps them, for whoever runs the server."""

from __future__ import annotations

from typing import TypeVar

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.postgres import listing
from guilder_server.postgres.mapping import SharedMapping
from guilder_server.postgres.pool import Pool
from guilder_server.tenancy.domain import account, organization
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.infra.tables import ACCOUNTS, ORGANIZATIONS, accounts

T = TypeVar("T")


class PostgresOrganizations:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def organization(self, id: str) -> Organization | None:
        return await self._one(ORGANIZATIONS, id)

    async def organizations(self, query: ListQuery) -> Page:
        return await listing.page(
            self._pool, ORGANIZATIONS, OPERATOR.id, query, [], "org", organization.NOUN
        )

    async def account(self, id: str) -> Account | None:
        return await self._one(ACCOUNTS, id)

    async def accounts(self, query: ListQuery, organization: str | None) -> Page:
        conditions = [] if organization is None else [accounts.c.organization_id == organization]
        return await listing.page(
            self._pool, ACCOUNTS, OPERATOR.id, query, conditions, "acct", account.NOUN
        )

    async def _one(self, mapping: SharedMapping[T], id: str) -> T | None:
        wanted = listing.select(mapping).where(mapping.table.c.id == id)
        async with self._pool.query(OPERATOR.id) as connection:
            rows = await listing.fetch(connection, wanted)
        return mapping.load(rows[0]) if rows else None
