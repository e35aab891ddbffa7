"""The store of customers: one suite for PostgreSQL and for its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from guilder_server.customers.domain import customer as rules
from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.infra.store import PostgresCustomers
from guilder_server.customers.infra.tables import CUSTOMERS
from guilder_server.customers.ports import CustomerStore
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.tenant import Tenant
from tests.customers.fakes import CustomersInMemory
from tests.customers.test_domain import AMY
from tests.tenancy.database import STRANGER, TENANT, Database, opened

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Kept:
    store: CustomerStore
    commit: Callable[[Changes], Awaitable[None]]

    async def add(self, *customers: Customer, tenant: Tenant = TENANT) -> None:
        await self.commit(Changes(tenant, added=list(customers)))


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "memory":
        memory = CustomersInMemory()

        async def commit(changes: Changes) -> None:
            memory.commit(changes)

        yield Kept(memory, commit)
        return
    async with opened(request.getfixturevalue("database_url"), [CUSTOMERS]) as database:
        yield Kept(PostgresCustomers(database.pool, database.reads), database.committer.commit)


def _customer(number: int, **fields: object) -> Customer:
    id = f"cus_{number:03}"
    created = NOW + timedelta(seconds=number)
    return replace(Customer(id, 1, created, "AAA"), **fields)


async def test_what_is_kept_is_found_as_it_was(kept: Kept) -> None:
    blank = _customer(1)
    await kept.add(blank, AMY)
    assert await kept.store.find(TENANT.id, blank.id) == blank
    assert await kept.store.find(TENANT.id, AMY.id) == AMY
    assert await kept.store.find(TENANT.id, "cus_none") is None
    assert await kept.store.find(STRANGER.id, AMY.id) is None


async def test_changes_are_found(kept: Kept) -> None:
    await kept.add(AMY)
    changes = Changes(TENANT)
    after = changes.change(AMY, replace(AMY, name=None, metadata={}, invoice_settings=None))
    await kept.commit(changes)
    assert await kept.store.find(TENANT.id, AMY.id) == after


async def test_a_page_holds_the_newest_first_without_the_deleted(kept: Kept) -> None:
    await kept.add(*(_customer(number) for number in (1, 2, 3, 4)))
    await kept.add(_customer(9), tenant=STRANGER)
    changes = Changes(TENANT)
    changes.change(_customer(3), rules.erased(_customer(3)))
    await kept.commit(changes)
    page = await kept.store.page(TENANT.id, ListQuery(limit=2))
    assert ([c.id for c in page.items], page.has_more) == (["cus_004", "cus_002"], True)
    page = await kept.store.page(TENANT.id, ListQuery(starting_after="cus_003"))
    assert ([c.id for c in page.items], page.has_more) == (["cus_002", "cus_001"], False)
    page = await kept.store.page(TENANT.id, ListQuery(limit=1, ending_before="cus_001"))
    assert ([c.id for c in page.items], page.has_more) == (["cus_002"], True)
    found = await kept.store.find(TENANT.id, "cus_003")
    assert found is not None
    assert found.deleted


async def test_a_cursor_of_a_stranger_is_refused(kept: Kept) -> None:
    await kept.add(_customer(9), tenant=STRANGER)
    with pytest.raises(NoSuchReference, match="No such customer: 'cus_009'") as refused:
        await kept.store.page(TENANT.id, ListQuery(ending_before="cus_009"))
    assert refused.value.param == "ending_before"


async def test_a_page_is_narrowed_by_the_exact_email(kept: Kept) -> None:
    await kept.add(
        _customer(1, email="amy@example.com"),
        _customer(2, email="Amy@example.com"),
        _customer(3),
        _customer(4, email="amy@example.com"),
    )
    page = await kept.store.page(TENANT.id, ListQuery(), "amy@example.com")
    assert [c.id for c in page.items] == ["cus_004", "cus_001"]
    page = await kept.store.page(TENANT.id, ListQuery(), "amy@%")
    assert page.items == []


async def test_a_page_is_narrowed_by_time(kept: Kept) -> None:
    clock = ManualClock(NOW)
    ids, made = Ids(clock), []
    for _ in range(4):
        made.append(Customer(ids.new("cus"), 1, clock.now(), "AAA"))
        clock.advance(timedelta(seconds=1))
    await kept.add(*made)
    within = CreatedRange(gte=NOW + timedelta(seconds=1), lt=NOW + timedelta(seconds=3))
    page = await kept.store.page(TENANT.id, ListQuery(created=within))
    assert list(page.items) == [made[2], made[1]]


# What only a database can show.


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, [CUSTOMERS]) as database:
        yield database


async def test_the_second_of_two_updates_is_told_to_read_again(database: Database) -> None:
    await database.keep(AMY)
    for name in ("Bob", "Cyd"):
        changes = Changes(TENANT)
        changes.change(AMY, replace(AMY, name=name))
        if name == "Bob":
            await database.committer.commit(changes)
        else:
            with pytest.raises(GuardLost):
                await database.committer.commit(changes)
    found = await PostgresCustomers(database.pool, database.reads).find(TENANT.id, AMY.id)
    assert found is not None
    assert found.name == "Bob"


async def test_search_finds_customers_but_no_deleted_and_no_strangers(database: Database) -> None:
    store = PostgresCustomers(database.pool, database.reads)
    await database.keep(AMY, _customer(2, name="amy", phone="123", deleted=True))
    await database.keep(_customer(3, name="Amy"), tenant=STRANGER)
    for query in (
        'name:"amy"',
        'email~"example"',
        'phone~"1234"',
        'metadata["order"]:"17"',
        "created>0",
    ):
        page = await store.search(TENANT.id, query, 10, None)
        assert list(page.items) == [AMY], query
    with pytest.raises(InvalidRequest, match="unsupported search field"):
        await store.search(TENANT.id, 'description:"x"', 10, None)
