"""The operations on customers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.flows import CustomerFlows, Customers, forget_default
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Done, Tombstone
from guilder_server.kernel.tenant import Tenant
from tests.customers.fakes import CustomersInMemory, OnFile

pytestmark = pytest.mark.anyio

TENANT, STRANGER = Tenant(1, "acct_1", False), Tenant(2, "acct_2", False)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class World:
    def __init__(self) -> None:
        clock = ManualClock(NOW)
        self.store, self.on_file = CustomersInMemory(), OnFile()
        self.flows = CustomerFlows(self.store, self.on_file, Ids(clock), clock)
        self.customers = Customers(self.store)

    def commit(self, done: Done) -> Any:
        self.store.commit(done.changes)
        return done.result

    async def create(self, **given: Any) -> Customer:
        created: Customer = self.commit(await self.flows.create(TENANT, given))
        return created


@pytest.fixture
def world() -> World:
    return World()


def events(done: Done) -> list[str]:
    return [fact.type for fact in done.changes.facts]


async def test_a_customer_is_created(world: World) -> None:
    done = await world.flows.create(TENANT, {"name": "Amy", "metadata": {"a": "1", "b": ""}})
    customer = done.result
    assert isinstance(customer, Customer)
    assert customer.id.startswith("cus_")
    assert customer.created == NOW
    assert (customer.name, customer.metadata) == ("Amy", {"a": "1"})
    assert customer.invoice_prefix.isalnum()
    assert done.changes.added == [customer]
    assert events(done) == ["customer.created"]


async def test_a_payment_method_comes_with_the_customer(world: World) -> None:
    done = await world.flows.create(
        TENANT,
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        },
    )
    assert isinstance(done.result, Customer)
    assert done.result.default_payment_method == "pm_new"
    assert world.on_file.methods == {"pm_new": done.result.id}
    assert events(done) == ["customer.created", "payment_method.attached"]
    assert done.changes.facts[0].subject == done.result


async def test_a_new_customer_cannot_have_a_default_of_somebody_else(world: World) -> None:
    world.on_file.methods["pm_1"] = "cus_other"
    given = {"invoice_settings": {"default_payment_method": "pm_1"}}
    with pytest.raises(NoSuchReference) as refused:
        await world.flows.create(TENANT, given)
    assert refused.value.param == "invoice_settings[default_payment_method]"
    with pytest.raises(NoSuchReference):
        await world.flows.create(TENANT, {**given, "payment_method": "pm_card_visa"})


async def test_a_payment_method_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(NoSuchReference) as refused:
        await world.flows.create(TENANT, {"payment_method": "pm_none"})
    assert refused.value.param == "payment_method"


async def test_an_update_says_what_was_before(world: World) -> None:
    before = await world.create(name="Amy", metadata={"a": "1"})
    done = await world.flows.update(TENANT, before.id, {"name": "Bob", "metadata": {"a": ""}})
    after = done.result
    assert isinstance(after, Customer)
    assert (after.name, after.metadata, after.version) == ("Bob", {}, 2)
    [fact] = done.changes.facts
    assert (fact.type, fact.subject, fact.previous) == ("customer.updated", after, before)
    assert done.changes.changed == [(before, after)]


async def test_an_update_of_nothing_is_no_event(world: World) -> None:
    before = await world.create(name="Amy")
    done = await world.flows.update(TENANT, before.id, {"name": "Amy"})
    assert done.result == before
    assert done.changes.empty()


async def test_the_default_payment_method_is_set_and_unset(world: World) -> None:
    customer = await world.create()
    world.on_file.methods["pm_1"] = customer.id
    given = {"invoice_settings": {"default_payment_method": "pm_1"}}
    customer = world.commit(await world.flows.update(TENANT, customer.id, given))
    assert customer.default_payment_method == "pm_1"
    given = {"invoice_settings": {"default_payment_method": ""}}
    customer = world.commit(await world.flows.update(TENANT, customer.id, given))
    assert customer.default_payment_method is None


async def test_a_default_that_is_detached_is_forgotten(world: World) -> None:
    customer = await world.create(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    changes = Changes(TENANT)
    assert forget_default(customer, "pm_other", changes) == customer
    assert changes.empty()
    after = forget_default(customer, "pm_new", changes)
    assert after.default_payment_method is None
    assert [fact.type for fact in changes.facts] == ["customer.updated"]


async def test_a_deleted_customer_is_a_tombstone(world: World) -> None:
    customer = await world.create(name="Amy", payment_method="pm_card_visa")
    done = await world.flows.delete(TENANT, customer.id)
    assert done.result == Tombstone(customer.id, "customer")
    assert events(done) == ["customer.deleted"]
    assert done.changes.facts[0].subject == customer
    assert world.on_file.methods == {"pm_new": None}
    world.commit(done)
    assert await world.flows.retrieve(TENANT, customer.id) == done.result
    assert await world.customers.load(TENANT, customer.id) == done.result
    assert await world.customers.find(TENANT, customer.id) is None


async def test_a_deleted_customer_cannot_be_changed(world: World) -> None:
    customer = await world.create()
    world.commit(await world.flows.delete(TENANT, customer.id))
    with pytest.raises(NotFound, match=f"No such customer: '{customer.id}'"):
        await world.flows.update(TENANT, customer.id, {"name": "Amy"})
    with pytest.raises(NotFound):
        await world.flows.delete(TENANT, customer.id)


async def test_a_stranger_finds_nothing(world: World) -> None:
    customer = await world.create()
    for attempt in (
        world.flows.retrieve(STRANGER, customer.id),
        world.flows.update(STRANGER, customer.id, {}),
        world.flows.delete(STRANGER, customer.id),
    ):
        with pytest.raises(NotFound) as refused:
            await attempt
        assert refused.value.message == f"No such customer: '{customer.id}'"
    assert await world.customers.find(STRANGER, customer.id) is None


async def test_wrong_metadata_changes_nothing(world: World) -> None:
    customer = await world.create()
    with pytest.raises(InvalidRequest):
        await world.flows.update(TENANT, customer.id, {"metadata": {"a[b]": "1"}})
