"""Checkpoints of the chain: read by whoever wants to hold the ledger to them."""

from __future__ import annotations

from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.checkpoint import NOUN, Checkpoint
from guilder_server.ledger.ports import CheckpointStore


class Checkpoints:
    def __init__(self, store: CheckpointStore) -> None:
        self._store = store

    async def retrieve(self, tenant: Tenant, id: str) -> Checkpoint:
        found = await self._store.checkpoint(tenant, id)
        if found is None:
            raise NotFound(NOUN, id, "checkpoint")
        return found

    async def page(self, tenant: Tenant, query: ListQuery) -> Page:
        return await self._store.checkpoints(tenant, query)
