"""Many at a quota at once, in two processes as far as the database can tell: exactly as many get
through as there is room for."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Forbidden
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.pool import Pool
from guilder_server.usage.domain.metering import Metered, Metering
from guilder_server.usage.domain.meters import PENDING
from guilder_server.usage.domain.plans import Plan, Plans
from guilder_server.usage.infra.counting import counting
from guilder_server.usage.infra.spent import Spent
from tests.support.composed import composed
from tests.usage.keeping import NOW, on_plan, pay, used

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in process", "elsewhere"])
async def test_as_many_payments_get_through_as_there_is_room_for(
    database_url: str, tmp_path: Path, elsewhere: bool
) -> None:
    async with (
        on_plan(database_url, tmp_path, "ten", elsewhere=elsewhere) as one,
        composed(database_url, one.gateway, one.account, plans=f"{tmp_path}/plans.toml") as two,
    ):
        wishes = [pay(server) for _ in range(12) for server in (one, two)]
        answers = await asyncio.gather(*wishes)
        assert Counter(answer.status_code for answer in answers) == {200: 10, 403: 14}
        assert (await used(one))["payments"] == 10


class Nothing:
    """A kind that no change set has."""


SETS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans()),
    min_size=1,
    max_size=24,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(sets=SETS, quota=st.sampled_from((10, 25)))
async def test_merged_is_counted_as_one_by_one(
    fresh_database_url: str, sets: list[tuple[int, int, bool, bool]], quota: int
) -> None:
    """A set has a tenant, calls, whether a quota may refuse it, and the committer it goes to."""
    plan = Plan("small", True, {"api_calls": quota})
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("DELETE FROM usage_counters")
    pool = Pool(fresh_database_url)
    await pool.open()
    shared = (Plans({"small": plan}, plan), Metering(Metered(*[Nothing] * 4)), ManualClock(NOW))
    committers = [Committer(pool, [counting(*shared, Spent())]) for _ in range(2)]

    async def commit(tenant: int, calls: int, limited: bool, first: bool) -> bool:
        changes = Changes(Tenant(tenant, "acct", False), calls=calls, limited=limited)
        while True:
            try:
                await committers[first].commit(changes)
            except Forbidden:
                return False
            except GuardLost:
                continue
            return True

    try:
        granted = await asyncio.gather(*(commit(*one) for one in sets))
    finally:
        await pool.close()
    with psycopg.connect(fresh_database_url) as connection:
        rows = connection.execute(
            f"SELECT tenant_id, api_calls, {PENDING} FROM usage_counters ORDER BY 1"
        ).fetchall()
    counted = {tenant: calls for tenant, calls, _ in rows}
    wanted: Counter[int] = Counter()
    for (tenant, calls, _, _), got in zip(sets, granted, strict=True):
        wanted[tenant] += calls if got else 0
    assert counted == {**dict.fromkeys({tenant for tenant, *_ in sets}, 0), **wanted}
    for (tenant, calls, limited, _), got in zip(sets, granted, strict=True):
        # What was refused found no room; what may not be refused never was.
        assert got or (limited and counted[tenant] + calls > quota)
    for tenant, calls in counted.items():
        if all(limited for one, _, limited, _ in sets if one == tenant):
            assert calls <= quota
