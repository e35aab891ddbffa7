"""The ledger's use cases on a real database, without HTTP, and with a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg

from guilder_server.composition import Ground, House, sandbox_only
from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import GuilderError
from guilder_server.kernel.steps import Done
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import AsOf, Standing
from guilder_server.ledger.domain.posted import Bulk, Posted
from guilder_server.ledger.domain.transfers import Posting, Wish
from guilder_server.ledger.verification import PROOFS
from guilder_server.settings import Settings
from tests.support.api import FINGERPRINT_KEY, PEPPER, SEALING_KEY

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
Move = tuple[str, str, int]  # debited, credited, amount

_tenants = count(1000)


def wish(moves: Iterable[Move], **further: Any) -> Wish:
    return Wish([Posting(*move) for move in moves], **further)


@dataclass
class Desk:
    ground: Ground
    house: House
    clock: ManualClock
    stranger: psycopg.AsyncConnection[tuple[Any, ...]]

    @staticmethod
    def tenant() -> Tenant:
        """Somebody whose books are empty."""
        return Tenant(next(_tenants), "acct_1", livemode=False)

    async def carry_out(self, decide: Callable[[], Awaitable[Done]]) -> Any:
        """As a request is: what has changed since it was read is read and decided again."""
        while True:
            done = await decide()
            try:
                await self.ground.committer.commit(done.changes)
            except GuardLost:
                continue
            return done.result

    async def open(
        self,
        tenant: Tenant,
        code: str,
        *,
        currency: str = "usd",
        normal_side: str = "debit",
        **limits: int | None,
    ) -> str:
        given = {name: limit for name, limit in limits.items() if limit is not None}
        params = {"code": code, "currency": currency, "normal_side": normal_side, **given}
        opened: Standing = await self.carry_out(
            lambda: self.house.ledger_accounts.open(tenant, params)
        )
        return opened.id

    async def update(self, tenant: Tenant, id: str, **params: Any) -> Standing:
        updated: Standing = await self.carry_out(
            lambda: self.house.ledger_accounts.update(tenant, id, params)
        )
        return updated

    async def post(self, tenant: Tenant, *moves: Move, **further: Any) -> Posted:
        wanted = wish(moves, **further)
        posted: Posted = await self.carry_out(lambda: self.house.transactions.post(tenant, wanted))
        return posted

    async def post_all(self, tenant: Tenant, *wishes: Wish, atomic: bool) -> Bulk:
        bulk: Bulk = await self.carry_out(
            lambda: self.house.transactions.post_all(tenant, wishes, atomic=atomic)
        )
        return bulk

    async def reverse(self, tenant: Tenant, id: str, amount: int | None = None) -> Posted:
        posted: Posted = await self.carry_out(
            lambda: self.house.transactions.reverse(tenant, id, amount, wish([]))
        )
        return posted

    async def balance(
        self,
        tenant: Tenant,
        id: str,
        known_at: datetime | None = None,
        effective_at: datetime | None = None,
    ) -> AsOf:
        return await self.house.ledger_accounts.balance(tenant, id, known_at, effective_at)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What somebody else finds in the database."""
        return await (await self.stranger.execute(query, values or None)).fetchall()

    async def differences(self) -> list[Any]:
        return [row for proof in PROOFS for row in await self.rows(proof.differences)]


async def refusal(wanted: Awaitable[Any]) -> str | None:
    """The code of why it was refused; None if it was carried out."""
    try:
        await wanted
    except GuilderError as error:
        return error.code
    return None


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Desk]:
    settings = Settings(
        database_url=database_url,
        key_pepper=PEPPER,
        fingerprint_key=FINGERPRINT_KEY,
        sealing_key=SEALING_KEY,
    )
    clock = ManualClock(NOON)
    ground = Ground(settings, clock)
    await ground.pool.open()
    try:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
            yield Desk(ground, House(ground, sandbox_only), clock, other)
    finally:
        await ground.committer.close()
        await ground.bell.close()
        await ground.pool.close()
