"""What the ledger's readers need of where it is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import LedgerAccount, Standing
from guilder_server.ledger.domain.balance import BalanceTransaction
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.domain.holds import Hold, Status
from guilder_server.ledger.domain.posted import Posted
from guilder_server.ledger.domain.reversals import Reversal
from guilder_server.ledger.domain.statement import Line, Period, Statement
from guilder_server.ledger.domain.sums import Selection, Sum

# The id of an account, or its code and currency.
AccountName: TypeAlias = str | tuple[str, str]


class LedgerStore(Protocol):
    async def merchant_accounts(self, tenant: Tenant) -> list[tuple[str, str, int]]:
        """Code, currency and signed balance of every account that is the merchant's."""

    async def transaction(self, tenant: Tenant, id: str) -> BalanceTransaction | None: ...

    async def transactions(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...


class BookStore(Protocol):
    """The accounts and transactions of the ledger, as callers see them."""

    async def standing(self, tenant: Tenant, id: str) -> Standing | None: ...

    async def standings(self, tenant: Tenant, ids: Sequence[str]) -> dict[str, Standing]:
        """Those that are there, by id."""

    async def code_taken(self, tenant: Tenant, code: str) -> bool: ...

    async def accounts(self, tenant: Tenant, query: ListQuery, code: str | None) -> Page:
        """Newest first; `assets/*` stands for all codes that begin so."""

    async def as_of(
        self,
        tenant: Tenant,
        account: LedgerAccount,
        known_at: datetime | None,
        effective_at: datetime | None,
    ) -> tuple[int, int]:
        """Balance on the normal side, and number of entries, as of the end of an instant."""

    async def entries(self, tenant: Tenant, standing: Standing, query: ListQuery) -> Page: ...

    async def posted(self, tenant: Tenant, id: str) -> Posted | None: ...

    async def transactions(
        self, tenant: Tenant, query: ListQuery, status: Status | None, reference: str | None
    ) -> Page:
        """What callers posted or hold, newest first."""

    async def references(self, tenant: Tenant, wanted: Sequence[str]) -> set[str]:
        """Those of them that transactions have."""

    async def hold(self, tenant: Tenant, id: str) -> Hold | None: ...

    async def expired(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Holds of any tenant that are pending and out of time."""

    async def reversal(self, tenant: Tenant, id: str) -> Reversal | None: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement whose lines are still to be read, some hundred at a time and oldest first."""

    statement: Statement
    lines: AsyncGenerator[Sequence[Line], None]


class StatementStore(Protocol):
    def statement(
        self, tenant: Tenant, account: AccountName, period: Period
    ) -> AbstractAsyncContextManager[Reading | None]:
        """None if there is no such account. Raises RateLimited while too many are read."""


class SumStore(Protocol):
    async def sums(self, tenant: Tenant, selection: Selection, limit: int) -> Sequence[Sum]:
        """The first of the groups, all of one moment, by code and currency."""


class CheckpointStore(Protocol):
    async def checkpoint(self, tenant: Tenant, id: str) -> Checkpoint | None: ...

    async def checkpoints(self, tenant: Tenant, query: ListQuery) -> Page: ...
