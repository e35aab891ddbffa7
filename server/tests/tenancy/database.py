"""A database with the tables of some capabilities, as their stores see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from guilder_server.kernel.changes import Changes, Stored
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.rows import Mappings

TENANT = Tenant(1, "acct_1", livemode=False)
STRANGER = Tenant(2, "acct_2", livemode=False)


@dataclass
class Database:
    pool: Pool
    reads: MergedReads
    committer: Committer

    async def keep(self, *things: Stored, tenant: Tenant = TENANT) -> None:
        await self.committer.commit(Changes(tenant, added=list(things)))


@asynccontextmanager
async def opened(url: str, mappings: Sequence[Mapping[Any]]) -> AsyncIterator[Database]:
    pool = Pool(url)
    await pool.open()
    try:
        yield Database(pool, MergedReads(pool), Committer(pool, [Mappings(mappings).part()]))
    finally:
        await pool.close()
