"""Pages of lists: newest first, before and after a cursor, within a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.infra.tables import CUSTOMERS, customers
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.postgres import listing
from tests.tenancy.database import STRANGER, TENANT, Database, opened

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOW_MANY = 7


def _customers() -> list[Customer]:
    """One a second, newest first. The clock is read a moment before the id is made."""
    clock, found = ManualClock(START), []
    ids = Ids(clock)
    for number in range(HOW_MANY):
        created = clock.now()
        clock.advance(timedelta(milliseconds=1))
        found.append(Customer(ids.new("cus"), 1, created, "AAA", name=f"number {number % 2}"))
        clock.advance(timedelta(milliseconds=999))
    return found[::-1]


ALL = _customers()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, [CUSTOMERS]) as database:
        await database.keep(*ALL)
        await database.keep(
            Customer("cus_stranger", 1, START, "AAA", name="number 0"), tenant=STRANGER
        )
        yield database


async def listed(database: Database, query: ListQuery, *conditions: listing.Condition) -> Page:
    return await listing.page(
        database.pool, CUSTOMERS, TENANT.id, query, conditions, "cus", "customer"
    )


async def test_the_newest_come_first_and_no_stranger_does(database: Database) -> None:
    page = await listed(database, ListQuery(limit=100))
    assert list(page.items) == ALL
    assert page.has_more is False


async def test_a_page_is_as_long_as_its_limit(database: Database) -> None:
    page = await listed(database, ListQuery(limit=3))
    assert list(page.items) == ALL[:3]
    assert page.has_more is True


async def test_pages_go_on_after_a_cursor_until_the_end(database: Database) -> None:
    page = await listed(database, ListQuery(limit=3, starting_after=ALL[2].id))
    assert (list(page.items), page.has_more) == (ALL[3:6], True)
    page = await listed(database, ListQuery(limit=3, starting_after=ALL[5].id))
    assert (list(page.items), page.has_more) == (ALL[6:], False)
    page = await listed(database, ListQuery(limit=3, starting_after=ALL[6].id))
    assert (list(page.items), page.has_more) == ([], False)


async def test_pages_go_back_before_a_cursor(database: Database) -> None:
    page = await listed(database, ListQuery(limit=3, ending_before=ALL[5].id))
    assert (list(page.items), page.has_more) == (ALL[2:5], True)
    page = await listed(database, ListQuery(limit=3, ending_before=ALL[2].id))
    assert (list(page.items), page.has_more) == (ALL[:2], False)


@pytest.mark.parametrize("cursor", ["cus_none", "cus_stranger", "%", "'"])
async def test_a_cursor_that_names_nothing_here_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(NoSuchReference) as refused:
        await listed(database, ListQuery(starting_after=cursor))
    assert refused.value.message == f"No such customer: '{cursor}'"
    assert refused.value.param == "starting_after"
    with pytest.raises(NoSuchReference) as refused:
        await listed(database, ListQuery(ending_before=cursor))
    assert refused.value.param == "ending_before"


async def test_conditions_narrow_the_list(database: Database) -> None:
    page = await listed(database, ListQuery(limit=2), customers.c.name == "number 1")
    assert list(page.items) == [ALL[1], ALL[3]]
    assert page.has_more is True


def _at(second: int) -> datetime:
    return START + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("created", "first", "last"),
    [
        (CreatedRange(), 0, 6),
        (CreatedRange(gte=_at(2)), 2, 6),
        (CreatedRange(gt=_at(2)), 3, 6),
        (CreatedRange(lt=_at(2)), 0, 1),
        (CreatedRange(lte=_at(2)), 0, 2),
        (CreatedRange(gte=_at(2), lt=_at(5)), 2, 4),
        (CreatedRange(gte=_at(2), gt=_at(3), lt=_at(6), lte=_at(4)), 4, 4),
        (CreatedRange(gte=_at(50)), 1, 0),
        (CreatedRange(gte=datetime.fromtimestamp(0, UTC)), 0, 6),
        (CreatedRange(lt=datetime.fromtimestamp(0, UTC)), 1, 0),
        (CreatedRange(lt=datetime.max.replace(tzinfo=UTC)), 0, 6),
        (CreatedRange(gte=datetime.max.replace(tzinfo=UTC)), 1, 0),
    ],
)
async def test_a_time_narrows_the_list(
    database: Database, created: CreatedRange, first: int, last: int
) -> None:
    page = await listed(database, ListQuery(limit=100, created=created))
    assert list(page.items) == ALL[::-1][first : last + 1][::-1]


async def test_a_time_and_a_cursor_go_together(database: Database) -> None:
    created = CreatedRange(gte=_at(1), lt=_at(6))
    page = await listed(database, ListQuery(2, starting_after=ALL[2].id, created=created))
    assert (list(page.items), page.has_more) == (ALL[3:5], True)
