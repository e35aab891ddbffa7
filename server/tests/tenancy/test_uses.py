"""Noting uses: batched, once a minute, and never lost to a database that is away for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Unavailable
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.flows.uses import Uses
from guilder_server.tenancy.infra.uses import PostgresUses
from tests.support.api import new_account
from tests.tenancy.database import opened

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TENANT = Tenant(1, "acct_1", False)


class Shelf:
    def __init__(self) -> None:
        self.batches: list[Mapping[tuple[int, str], datetime]] = []
        self.away = False

    async def note(self, uses: Mapping[tuple[int, str], datetime]) -> None:
        if self.away:
            raise Unavailable("away")
        self.batches.append(uses)


async def test_many_uses_are_one_row_a_minute() -> None:
    shelf, clock = Shelf(), ManualClock(NOW)
    uses = Uses(shelf, clock)
    for second in range(180):
        uses.note(TENANT, "key_1")
        clock.advance(timedelta(seconds=1))
        if second % 5 == 0:
            await uses.write()
    assert [batch[1, "key_1"] for batch in shelf.batches] == [
        NOW + timedelta(minutes=minute) for minute in range(3)
    ]


async def test_what_could_not_be_written_is_written_later() -> None:
    shelf, clock = Shelf(), ManualClock(NOW)
    uses = Uses(shelf, clock)
    shelf.away = True
    uses.note(TENANT, "key_1")
    assert await uses.write() == 0
    clock.advance(timedelta(minutes=2))
    uses.note(TENANT, "key_1")
    uses.note(TENANT, "key_2")
    shelf.away = False
    assert await uses.write() == 2
    assert shelf.batches == [{(1, "key_1"): clock.now(), (1, "key_2"): clock.now()}]
    assert await uses.write() == 0


async def test_an_older_use_than_the_known_one_changes_nothing(database_url: str) -> None:
    account = new_account(database_url)
    tenant = Tenant(account.tenant_id, account.account, False)
    async with opened(database_url, []) as database:
        store = PostgresUses(database.pool)
        for used in (NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
            await store.note({(tenant.id, "key_2"): used, (tenant.id, "key_1"): NOW})
        found = await store.last_used(tenant, ["key_1", "key_2", "key_3"])
    assert found == {"key_1": NOW, "key_2": NOW + timedelta(hours=1)}
