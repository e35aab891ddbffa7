"""The store of payment methods: one suite for PostgreSQL and for its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import psycopg
import pytest

from guilder_server.customers import Customer
from guilder_server.customers.infra.tables import CUSTOMERS
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethods
from guilder_server.payment_methods.domain import payment_method as rules
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.infra.store import PostgresPaymentMethods
from guilder_server.payment_methods.infra.tables import PAYMENT_METHODS
from guilder_server.payment_methods.ports import PaymentMethodStore, Wanted
from tests.payment_methods.fakes import PaymentMethodsInMemory
from tests.payment_methods.test_domain import BILLING, NEW, NOW
from tests.tenancy.database import STRANGER, TENANT, opened

pytestmark = pytest.mark.anyio


@dataclass
class Kept:
    store: PaymentMethodStore
    commit: Callable[[Changes], Awaitable[None]]

    async def add(self, *methods: PaymentMethod, tenant: Tenant = TENANT) -> None:
        names = sorted({method.customer_id for method in methods} - {None})
        customers = [Customer(name, 1, NOW, "AAA") for name in names]
        await self.commit(Changes(tenant, added=[*methods, *customers]))


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "memory":
        memory = PaymentMethodsInMemory()

        async def commit(changes: Changes) -> None:
            memory.commit(changes)

        yield Kept(memory, commit)
        return
    url = request.getfixturevalue("database_url")
    async with opened(url, [CUSTOMERS, PAYMENT_METHODS]) as database:
        yield Kept(PostgresPaymentMethods(database.pool, database.reads), database.committer.commit)


def _method(number: int, **fields: object) -> PaymentMethod:
    return replace(NEW, id=f"pm_{number:03}", **fields)


async def test_what_is_kept_is_found_as_it_was(kept: Kept) -> None:
    full = rules.described(
        _method(2, customer_id="cus_1", spent=False),
        {
            "billing_details": BILLING,
            "metadata": {"é": "\\ \" '"},
            "allow_redisplay": "limited",
            "card": {"networks": {"preferred": "cartes_bancaires"}},
        },
    )
    await kept.add(NEW, full)
    assert await kept.store.find(TENANT.id, NEW.id) == NEW
    assert await kept.store.find(TENANT.id, full.id) == full
    assert await kept.store.find(TENANT.id, "pm_none") is None
    assert await kept.store.find(STRANGER.id, NEW.id) is None


async def test_changes_are_found(kept: Kept) -> None:
    await kept.add(NEW)
    changes = Changes(TENANT)
    after = changes.change(NEW, rules.spent(NEW))
    await kept.commit(changes)
    assert await kept.store.find(TENANT.id, NEW.id) == after


async def test_a_page_is_narrowed_to_what_is_wanted(kept: Kept) -> None:
    one, two = _method(1, customer_id="cus_1"), _method(2, customer_id="cus_2")
    three = _method(3, customer_id="cus_1", allow_redisplay="always")
    four = _method(4)
    await kept.add(one, two, three, four)
    await kept.add(_method(5, customer_id="cus_1"), tenant=STRANGER)
    for wanted, expected in [
        (Wanted(), [four, three, two, one]),
        (Wanted("cus_1"), [three, one]),
        (Wanted("cus_1", "always"), [three]),
        (Wanted(None, "always"), [three]),
        (Wanted("cus_none"), []),
    ]:
        page = await kept.store.page(TENANT.id, ListQuery(), wanted)
        assert list(page.items) == expected
    page = await kept.store.page(TENANT.id, ListQuery(1), Wanted("cus_1"))
    assert (list(page.items), page.has_more) == ([three], True)
    page = await kept.store.page(TENANT.id, ListQuery(1, three.id), Wanted("cus_1"))
    assert (list(page.items), page.has_more) == ([one], False)
    with pytest.raises(NoSuchReference, match="No such PaymentMethod: 'pm_005'"):
        await kept.store.page(TENANT.id, ListQuery(starting_after="pm_005"), Wanted())


async def test_no_card_number_reaches_the_database(database_url: str) -> None:
    clock = ManualClock(NOW)
    async with opened(database_url, [CUSTOMERS, PAYMENT_METHODS]) as database:
        store = PostgresPaymentMethods(database.pool, database.reads)
        methods = PaymentMethods(store, Sandbox(clock, b"key"), Ids(clock), clock)
        changes = Changes(TENANT)
        card = {"number": "5555555555554444", "exp_month": 1, "exp_year": 2031, "cvc": "987"}
        made = methods.from_data({"card": card}, changes)
        await database.committer.commit(changes)
        assert await store.find(TENANT.id, made.id) == made
    with psycopg.connect(database_url) as connection:
        shown = "SELECT (to_jsonb(m) - 'id')::text FROM payment_methods m"
        [(row,)] = connection.execute(shown).fetchall()
    assert "4444" in row
    assert "55555555" not in row
    assert "987" not in row
