"""Checkpoints of the chain: made by a job, read by whoever wants to hold the ledger to them."""

from __future__ import annotations

from datetime import datetime, timedelta

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.checkpoint import NOUN, Checkpoint, Tip, signed_text
from guilder_server.ledger.ports import Chain, CheckpointStore, HeadSigner


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


class Signing:
    """Makes checkpoints of chains that have grown, each at most once in `every`."""

    def __init__(
        self, chain: Chain, signer: HeadSigner, ids: Ids, clock: Clock, every: timedelta
    ) -> None:
        self._chain, self._signer, self._ids = chain, signer, ids
        self._clock, self._every = clock, every

    async def sign(self) -> int:
        now = self._clock.now()
        return await self._chain.sign(now - self._every, lambda tip: self._signed(tip, now))

    def _signed(self, tip: Tip, now: datetime) -> Checkpoint:
        # The wire knows whole seconds, and what is signed can be read off it.
        created = now.replace(microsecond=0)
        text = signed_text(tip.account, tip.livemode, tip.position, tip.head, created)
        return Checkpoint(
            self._ids.new("lc"),
            created,
            tip.position,
            tip.head,
            tip.transactions,
            self._signer.public_key,
            self._signer.sign(text),
        )
