"""What becomes of pending transactions: posted in full or in part, voided, or out of time."""

from __future__ import annotations

import dataclasses

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Done
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import holds, transfers
from guilder_server.ledger.domain.account import Standing
from guilder_server.ledger.domain.holds import Hold, Status
from guilder_server.ledger.domain.posted import Posted
from guilder_server.ledger.domain.transfers import NOUN, Posting, Wish
from guilder_server.ledger.ports import BookStore


class Holds:
    def __init__(self, store: BookStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def post(self, tenant: Tenant, id: str, amount: int | None) -> Done:
        """The money moves, or `amount` of it; what is not posted is let go."""
        hold = await self._pending(tenant, id)
        amounts = holds.posted_amounts(hold, amount)
        standings = await self._standings(tenant, hold)
        now = self._clock.now()
        # A frozen account takes no postings; what it holds waits.
        posted = transfers.transaction(
            id,
            _wish(hold, amounts),
            standings,
            now,
            created=hold.created,
            exchange=hold.exchange,
        )
        changes = Changes(tenant)
        changes.hold(holds.holding(_held(hold, standings), released=True))
        after = changes.change(hold, holds.ended(hold, "posted"))
        # Under the version of what held it, so that this news counts as the later.
        posted = dataclasses.replace(posted, version=after.version)
        changes.post(posted)
        for standing in standings.values():
            changes.rely(standing.account)
        told = Posted.of(posted, version=after.version)
        changes.record("ledger.transaction.posted", told)
        return Done(told, changes)

    async def void(self, tenant: Tenant, id: str) -> Done:
        return await self._let_go(tenant, await self._pending(tenant, id), "voided")

    async def expire(self, tenant: Tenant, id: str) -> Done | None:
        """None if it is not pending any more, or not out of time."""
        hold = await self._store.hold(tenant, id)
        if hold is None or hold.status != "pending" or hold.expires_at is None:
            return None
        if hold.expires_at > self._clock.now():
            return None
        return await self._let_go(tenant, hold, "expired")

    async def _let_go(self, tenant: Tenant, hold: Hold, status: Status) -> Done:
        standings = await self._standings(tenant, hold)
        transaction = _held(hold, standings)
        changes = Changes(tenant)
        changes.hold(holds.holding(transaction, released=True))
        after = changes.change(hold, holds.ended(hold, status))
        told = Posted.of(
            transaction, status=status, expires_at=hold.expires_at, version=after.version
        )
        changes.record(f"ledger.transaction.{status}", told)
        return Done(told, changes)

    async def _pending(self, tenant: Tenant, id: str) -> Hold:
        hold = await self._store.hold(tenant, id)
        if hold is None:
            if await self._store.posted(tenant, id) is None:
                raise NotFound(NOUN, id, "transaction")
            # It was never pending.
            now = self._clock.now()
            hold = Hold(id, 0, now, "posted", [], None, None, {}, None, None)
        holds.refuse_ended(hold, self._clock.now())
        return hold

    async def _standings(self, tenant: Tenant, hold: Hold) -> dict[str, Standing]:
        named = {account for pair in hold.pairs for account in pair[:2]}
        return await self._store.standings(tenant, sorted(named))


def _wish(hold: Hold, amounts: list[int]) -> Wish:
    postings = [
        Posting(debit, credit, amount)
        for (debit, credit, _), amount in zip(hold.pairs, amounts, strict=True)
    ]
    return Wish(
        postings,
        description=hold.description,
        reference=hold.reference,
        metadata=hold.metadata,
        follows="transaction",
    )


def _held(hold: Hold, standings: dict[str, Standing]) -> LedgerTransaction:
    """The transaction as it was held, whatever its accounts would say to it now."""
    amounts = [amount for _, _, amount in hold.pairs]
    thawed = {id: _thawed(standing) for id, standing in standings.items()}
    return transfers.transaction(
        hold.id, _wish(hold, amounts), thawed, hold.created, exchange=hold.exchange
    )


def _thawed(standing: Standing) -> Standing:
    account = replace(standing.account, status="open")
    return Standing(account, standing.balance, standing.entries)
