"""Statements of accounts, however long, for this capability and for those that keep accounts
through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import NOUN
from guilder_server.ledger.domain.statement import Period
from guilder_server.ledger.ports import AccountName, Reading, StatementStore


class Statements:
    def __init__(self, store: StatementStore) -> None:
        self._store = store

    @asynccontextmanager
    async def read(
        self, tenant: Tenant, account: AccountName, period: Period
    ) -> AsyncIterator[Reading]:
        """The sums and, oldest first, the lines of a statement; all of one moment, which is kept
        until the reading ends."""
        if period.end <= period.start:
            raise InvalidRequest(
                "parameter_invalid",
                "The interval is empty: interval_end is the first second after it, so it must be "
                "later than interval_start.",
                "interval_end",
            )
        async with self._store.statement(tenant, account, period) as reading:
            if reading is None:
                raise NotFound(NOUN, account if isinstance(account, str) else account[0], "account")
            yield reading
