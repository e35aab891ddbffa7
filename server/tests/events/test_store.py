"""Events as they are kept: in order, by type, and only if their change was committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from guilder_server.events.domain.event import Event
from guilder_server.events.infra.store import PostgresEvents
from guilder_server.kernel.changes import Changes, EventRow, GuardLost
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.infra.store import undelivered
from tests.postgres.library import NOW, STRANGER, TENANT, Library, Shelf, furnish, opened

pytestmark = pytest.mark.anyio

TYPES = ("charge.succeeded", "charge.refunded", "charges.other", "customer.created", "charge")


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    furnish(database_url)
    async with opened(database_url) as library:
        yield library


@pytest.fixture
def store(library: Library) -> PostgresEvents:
    return PostgresEvents(library.pool, library.reads, undelivered)


def _event(number: int, type: str = "charge.succeeded") -> EventRow:
    created = NOW + timedelta(seconds=number)
    return EventRow(f"evt_{number}", type, created, "ch_1", b"payload", number)


def _kept(row: EventRow) -> Event:
    return Event(row.id, row.type, row.created, row.object_id, row.payload, row.sequence)


async def _keep(library: Library, *events: EventRow, tenant: Tenant = TENANT) -> list[Event]:
    await library.committer.commit(Changes(tenant, events=list(events)))
    return [_kept(event) for event in events]


async def test_an_event_is_found_as_it_was_recorded(
    library: Library, store: PostgresEvents
) -> None:
    [event] = await _keep(library, _event(1))
    assert await store.find(TENANT, "evt_1") == event
    assert await store.find(TENANT, "evt_2") is None
    assert await store.find(STRANGER, "evt_1") is None


async def test_an_event_is_on_its_way_from_the_same_commit_on(library: Library) -> None:
    await library.listen(TENANT, "we_everything")
    await library.listen(TENANT, "we_refunds", '["charge.refunded"]')
    await _keep(library, _event(1), _event(2, "charge.refunded"))
    await _keep(library, _event(1), tenant=STRANGER)
    assert await library.rows(
        "SELECT tenant_id, event_id, endpoint_id, status FROM webhook_deliveries ORDER BY 2, 3"
    ) == [
        (1, "evt_1", "we_everything", "pending"),
        (1, "evt_2", "we_everything", "pending"),
        (1, "evt_2", "we_refunds", "pending"),
    ]


async def test_what_was_not_committed_did_not_happen(
    library: Library, store: PostgresEvents
) -> None:
    await library.listen(TENANT)
    refused = Changes(TENANT, events=[_event(1)])
    refused.change(Shelf("shf_none", 1, NOW, ""), Shelf("shf_none", 1, NOW, ""))
    with pytest.raises(GuardLost):
        await library.committer.commit(refused)
    assert await store.find(TENANT, "evt_1") is None
    assert await library.rows("SELECT count(*) FROM webhook_deliveries") == [(0,)]


async def test_events_are_listed_newest_first(library: Library, store: PostgresEvents) -> None:
    events = await _keep(library, *(_event(number) for number in range(1, 6)))
    await _keep(library, _event(9), tenant=STRANGER)
    page = await store.page(TENANT, ListQuery(limit=2), [])
    assert (page.items, page.has_more) == (events[:2:-1], True)
    page = await store.page(TENANT, ListQuery(starting_after="evt_4"), [])
    assert (page.items, page.has_more) == (events[2::-1], False)
    with pytest.raises(NoSuchReference):
        await store.page(TENANT, ListQuery(starting_after="evt_9"), [])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["charge.succeeded"], ["charge.succeeded"]),
        (["charge.*"], ["charge.refunded", "charge.succeeded"]),
        (["customer.created", "charge"], ["charge", "customer.created"]),
        (["customer.*", "charge.refunded"], ["customer.created", "charge.refunded"]),
        (["*"], list(TYPES[::-1])),
        (["charge_succeeded"], []),
        (["charge%"], []),
        (["%.*"], []),
        ([], list(TYPES[::-1])),
    ],
)
async def test_events_are_filtered_by_type(
    library: Library, store: PostgresEvents, wanted: list[str], found: list[str]
) -> None:
    await _keep(library, *(_event(number, type) for number, type in enumerate(TYPES)))
    page = await store.page(TENANT, ListQuery(), wanted)
    assert [event.type for event in page.items if isinstance(event, Event)] == found


async def test_events_are_filtered_by_time(library: Library, store: PostgresEvents) -> None:
    clock = ManualClock(NOW)
    ids, rows = Ids(clock), []
    for _ in range(4):
        rows.append(EventRow(ids.new("evt"), "charge", clock.now(), "ch_1", b"", 1))
        clock.advance(timedelta(seconds=10))
    events = await _keep(library, *rows)
    within = CreatedRange(gte=rows[1].created, lt=rows[3].created)
    page = await store.page(TENANT, ListQuery(created=within), [])
    assert page.items == events[2:0:-1]


async def test_events_are_filtered_by_whether_every_endpoint_has_received_them(
    library: Library, store: PostgresEvents
) -> None:
    unheard = await _keep(library, _event(1))
    await library.listen(TENANT)
    await library.listen(TENANT, "we_second")
    events = await _keep(library, *(_event(number) for number in range(2, 7)))
    settle = "UPDATE webhook_deliveries SET status = %s, next_attempt_at = NULL WHERE event_id = %s"
    for event, status in zip(events, ["delivered", "failed", "canceled"], strict=False):
        await library.stranger.execute(settle, [status, event.id])
    # Of two endpoints one has received it, and the other has not.
    await library.stranger.execute(
        settle + " AND endpoint_id = 'we_second'", ["delivered", events[3].id]
    )
    page = await store.page(TENANT, ListQuery(), [], delivered=True)
    assert page.items == [events[0], *unheard]
    page = await store.page(TENANT, ListQuery(), [], delivered=False)
    assert page.items == events[:0:-1]
    assert (await store.page(TENANT, ListQuery(), [], delivered=None)).items == [
        *events[::-1],
        *unheard,
    ]
    assert (await store.page(STRANGER, ListQuery(), [], delivered=False)).items == []


async def test_the_events_of_a_stretch_of_time_come_oldest_first(
    library: Library, store: PostgresEvents
) -> None:
    clock = ManualClock(NOW)
    ids, rows = Ids(clock), []
    for number in range(5):
        rows.append(EventRow(ids.new("evt"), "charge", clock.now(), "ch_1", b"", number))
        clock.advance(timedelta(milliseconds=700))
    events = await _keep(library, *rows)
    await _keep(library, *rows, tenant=STRANGER)
    since, until = rows[1].created, rows[4].created
    assert await store.between(TENANT, since, until, None, 10) == events[1:4]
    assert await store.between(TENANT, since, until, None, 2) == events[1:3]
    assert await store.between(TENANT, since, until, events[2].id, 2) == events[3:4]
    assert await store.between(TENANT, until, until, None, 2) == []


async def test_old_events_are_forgotten(library: Library, store: PostgresEvents) -> None:
    events = await _keep(library, *(_event(number) for number in range(4)))
    assert await store.forget(events[2].created) == 2
    assert (await store.page(TENANT, ListQuery(), [])).items == events[:1:-1]
    assert await store.forget(events[2].created) == 0
