"""Calls that only read are gathered, and counted a little later, each once."""

from __future__ import annotations

import psycopg
import pytest

from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.pool import Pool
from guilder_server.usage.calls import Calls
from guilder_server.usage.domain.metering import Metered, Metering
from guilder_server.usage.domain.plans import UNLIMITED
from guilder_server.usage.infra.counting import counting
from guilder_server.usage.infra.spent import Spent
from tests.usage.keeping import NOW

pytestmark = pytest.mark.anyio
TENANT = Tenant(8, "acct_calls", False)
HELD = "SELECT api_calls FROM usage_counters WHERE tenant_id = 8"


class Nothing:
    """A kind that no change set has."""


async def test_calls_are_counted_later_where_somebody_holds_on_to_the_counter(
    fresh_database_url: str,
) -> None:
    pool = Pool(fresh_database_url)
    await pool.open()
    spent = Spent()
    part = counting(UNLIMITED, Metering(Metered(*[Nothing] * 4)), ManualClock(NOW), spent)
    committer = Committer(pool, [part])
    calls = Calls(spent, committer)

    def called(times: int) -> None:
        for _ in range(times):
            calls.count(TENANT)

    try:
        called(2)
        assert await calls.flush() == 2
        with psycopg.connect(fresh_database_url) as other:
            assert other.execute(f"{HELD} FOR UPDATE").fetchone() == (2,)
            called(3)
            assert await calls.flush() == 3
            other.rollback()
            assert other.execute(HELD).fetchone() == (2,)
        called(1)
        assert await calls.flush() == 4
        assert await calls.flush() == 0
        with psycopg.connect(fresh_database_url) as other:
            assert other.execute(HELD).fetchone() == (6,)
    finally:
        await committer.close()
        await pool.close()
