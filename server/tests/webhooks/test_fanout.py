"""A commit writes, with each event, a delivery to each endpoint that wants it: no more, no less."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.events.infra.log import EventLog
from guilder_server.kernel.changes import Changes, EventRow, GuardLost
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.rows import Mappings
from guilder_server.webhooks.domain.delivery import delivery_id, first
from guilder_server.webhooks.domain.endpoint import TEST, Endpoint
from guilder_server.webhooks.infra.fanout import FanOut
from guilder_server.webhooks.infra.tables import DELIVERIES, ENDPOINTS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TYPES = ("charge.succeeded", "charge.failed", "customer.created", "webhook_endpoint.disabled", TEST)

_tenants = count(5000, 10)
_ids = Ids(SystemClock())


@dataclass(frozen=True)
class Happening:
    """An event; `about` is the place of an endpoint, if it is about one."""

    type: str
    tenant: int
    about: int | None
    refused: bool


endpoints = st.builds(
    lambda tenant, types, connect, off, deleted: (
        tenant,
        Endpoint(
            _ids.new("we"),
            *(1, NOW, "https://shop.example", sorted(types), None, {}, None, connect, b"sealed"),
            slot=None if deleted else 1,
            disabled_at=NOW if off else None,
        ),
    ),
    st.integers(0, 1),
    st.sets(st.sampled_from(("*", *TYPES[:-1])), min_size=1, max_size=3),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, False, True]),
)
happenings = st.builds(
    Happening,
    st.sampled_from(TYPES),
    st.integers(0, 1),
    st.one_of(st.none(), st.integers(0, 5)),
    st.sampled_from([False, False, False, True]),
)


@asynccontextmanager
async def committing(url: str) -> AsyncIterator[tuple[Committer, Pool]]:
    pool = Pool(url)
    await pool.open()
    committer = Committer(pool, [Mappings([ENDPOINTS, DELIVERIES]).part(), EventLog, FanOut])
    try:
        yield committer, pool
    finally:
        await committer.close()
        await pool.close()


async def stored(pool: Pool, table: Any, tenants: list[Tenant]) -> list[Any]:
    async with pool.point([one.id for one in tenants]) as connection:
        rows = await connection.execute(
            f"SELECT tenant_id, {table} WHERE tenant_id = ANY(%s)", [[one.id for one in tenants]]
        )
        return await rows.fetchall()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    there=st.lists(endpoints, max_size=6),
    happened=st.lists(st.lists(happenings, max_size=3), max_size=4),
)
async def test_the_deliveries_of_a_commit_are_those_that_the_domain_would_make(
    database_url: str, there: list[tuple[int, Endpoint]], happened: list[list[Happening]]
) -> None:
    number = next(_tenants)
    tenants = [Tenant(number + one, f"acct_{number + one}", livemode=False) for one in (0, 1)]
    there = [
        (whose, replace(one, slot=one.slot and place))
        for place, (whose, one) in enumerate(there, 1)
    ]
    async with committing(database_url) as (committer, pool):
        for whose, endpoint in there:
            await committer.commit(Changes(tenants[whose], added=[endpoint]))
        wanted, sets = set(), []
        for together in happened:
            for whose in (0, 1):
                own = [each for each in together if each.tenant == whose]
                refused = any(each.refused for each in own)
                changes = Changes(tenants[whose])
                if refused:
                    lost = Endpoint("we_lost", 7, NOW, "", [], None, {}, None, False, b"", 99)
                    changes.change(lost, lost)
                for each in own:
                    about = there[each.about % len(there)][1].id if there and each.about else "x"
                    row = EventRow(_ids.new("evt"), each.type, NOW, about, b"", 1)
                    changes.events.append(row)
                    if not refused:
                        wanted |= {
                            (tenants[whose].id, made)
                            for other, endpoint in there
                            if other == whose and (made := _delivery(row, endpoint)) is not None
                        }
                sets.append((changes, refused))
        said = await asyncio.gather(
            *(committer.commit(changes) for changes, _ in sets), return_exceptions=True
        )
        for (_, refused), verdict in zip(sets, said, strict=True):
            assert isinstance(verdict, GuardLost) if refused else verdict is None
        events = await stored(pool, "id FROM events", tenants)
        assert {id for _, id in events} == {
            row.id for changes, refused in sets if not refused for row in changes.events
        }
        rows = await stored(pool, f"{DELIVERIES.columns} FROM webhook_deliveries", tenants)
        assert {(row[0], repr(DELIVERIES.load(row[1:]))) for row in rows} == wanted


def _delivery(event: EventRow, endpoint: Endpoint) -> str | None:
    """What the domain makes of it, in a form that can be in a set; None if nothing."""
    about_itself = event.object_id == endpoint.id
    if event.type == TEST:
        goes = about_itself and endpoint.enabled
    else:
        # Nobody is told of himself: the news that he is disabled would find him so.
        goes = endpoint.wants(event.type) and not about_itself
    made = first(event.id, event.type, event.created, endpoint.id, event.created)
    assert made.id == delivery_id(event.id, endpoint.id)
    return repr(made) if goes else None
