"""The operations on payment methods, over the sandbox's cards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from guilder_server.customers import Customer, Customers
from guilder_server.customers.flows import CustomerFlows
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import (
    CardDeclined,
    GuilderError,
    InvalidRequest,
    NoSuchReference,
    NotFound,
    Refused,
)
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod, PaymentMethods
from guilder_server.payment_methods.flows import PaymentMethodFlows
from guilder_server.payment_methods.ports import Wanted
from tests.customers.fakes import CustomersInMemory
from tests.payment_methods.fakes import PaymentMethodsInMemory

pytestmark = pytest.mark.anyio

TENANT, STRANGER = Tenant(1, "acct_1", False), Tenant(2, "acct_2", False)
LIVE = Tenant(3, "acct_1", True)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
NUMBER = "4242424242424242"
CARD = {"number": NUMBER, "exp_month": 12, "exp_year": 2034, "cvc": "314"}


class World:
    def __init__(self) -> None:
        clock = ManualClock(NOW)
        ids = Ids(clock)
        self.store, self.customer_store = PaymentMethodsInMemory(), CustomersInMemory()
        cards = Sandbox(clock, b"key")
        self.methods = PaymentMethods(self.store, cards, ids, clock)
        customers = Customers(self.customer_store)
        self.flows = PaymentMethodFlows(self.methods, self.store, customers, clock)
        self.customers = CustomerFlows(self.customer_store, self.flows, ids, clock)

    def commit(self, done: Done) -> Any:
        self.store.commit(done.changes)
        self.customer_store.commit(done.changes)
        return done.result

    async def customer(self, **given: Any) -> Customer:
        made: Customer = self.commit(await self.customers.create(TENANT, given))
        return made

    async def method(self, **given: Any) -> PaymentMethod:
        given = {"type": "card", "card": CARD, **given}
        made: PaymentMethod = self.commit(await self.flows.create(TENANT, given))
        return made

    async def attached(self, customer: Customer, id: str = "pm_card_visa") -> PaymentMethod:
        made: PaymentMethod = self.commit(await self.flows.attach(TENANT, id, customer.id))
        return made


@pytest.fixture
def world() -> World:
    return World()


def events(done: Done) -> list[str]:
    return [fact.type for fact in done.changes.facts]


async def test_a_card_becomes_a_payment_method_without_its_number(world: World) -> None:
    done = await world.flows.create(
        TENANT,
        {"type": "card", "card": CARD, "billing_details": {"address": {"line1": "Here"}}},
    )
    method = done.result
    assert isinstance(method, PaymentMethod)
    assert method.id.startswith("pm_")
    assert (method.instrument.brand, method.instrument.last4) == ("visa", "4242")
    assert method.instrument.checks.cvc_check == "unchecked"
    assert method.instrument.checks.address_line1_check == "unchecked"
    assert method.instrument.checks.address_postal_code_check is None
    assert NUMBER not in repr(done)
    assert "314" not in repr(method.instrument)
    assert done.changes.added == [method]
    assert events(done) == []


async def test_a_token_stands_for_a_card(world: World) -> None:
    method = await world.method(card={"token": "tok_mastercard"})
    assert method.instrument.brand == "mastercard"


@pytest.mark.parametrize(
    ("card", "code", "param"),
    [
        (None, "parameter_missing", "card"),
        ({}, "parameter_missing", "card"),
        ({"exp_month": 1, "exp_year": 2030}, "parameter_missing", "card[number]"),
        ({"number": NUMBER, "exp_year": 2030}, "parameter_missing", "card[exp_month]"),
        ({"number": NUMBER, "exp_month": 1}, "parameter_missing", "card[exp_year]"),
        ({"token": "tok_visa", "number": NUMBER}, "parameters_exclusive", "card"),
        ({"token": "tok_none"}, "resource_missing", "card[token]"),
        ({"token": "pm_card_visa"}, "resource_missing", "card[token]"),
    ],
)
async def test_an_incomplete_card_is_refused(
    world: World, card: dict[str, Any] | None, code: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await world.flows.create(TENANT, {"type": "card"} | ({"card": card} if card else {}))
    assert (refused.value.code, refused.value.param) == (code, param)
    assert NUMBER not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 2020}, "invalid_expiry_year"),
        ({"cvc": "99"}, "invalid_cvc"),
    ],
)
async def test_a_card_that_cannot_be_is_declined(
    world: World, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(CardDeclined) as declined:
        await world.flows.create(TENANT, {"type": "card", "card": CARD | change})
    assert declined.value.code == code
    assert "424242" not in str(declined.value)


async def test_a_test_token_can_be_looked_at(world: World) -> None:
    method = await world.flows.retrieve(TENANT, "pm_card_amex")
    assert (method.id, method.instrument.brand) == ("pm_card_amex", "amex")
    assert await world.store.find(TENANT.id, method.id) is None


@pytest.mark.parametrize("id", ["pm_none", "pm_card_none", "tok_visa", "cus_1"])
async def test_what_does_not_exist_is_not_found(world: World, id: str) -> None:
    customer = await world.customer()
    for attempt in (
        world.flows.retrieve(TENANT, id),
        world.flows.update(TENANT, id, {}),
        world.flows.detach(TENANT, id),
    ):
        with pytest.raises(NotFound) as refused:
            await attempt
        assert refused.value.message == f"No such PaymentMethod: '{id}'"
        assert refused.value.param == "payment_method"
    if id != "tok_visa":
        with pytest.raises(NotFound):
            await world.flows.attach(TENANT, id, customer.id)


async def test_live_mode_knows_no_test_tokens(world: World) -> None:
    with pytest.raises(NotFound):
        await world.flows.retrieve(LIVE, "pm_card_visa")
    with pytest.raises(NoSuchReference):
        await world.methods.resolve(LIVE, "pm_card_visa", Changes(LIVE))
    with pytest.raises(NoSuchReference):
        await world.flows.create(LIVE, {"type": "card", "card": {"token": "tok_visa"}})


async def test_a_stranger_finds_nothing(world: World) -> None:
    method, customer = await world.method(), await world.customer()
    for attempt in (
        world.flows.retrieve(STRANGER, method.id),
        world.flows.update(STRANGER, method.id, {}),
        world.flows.detach(STRANGER, method.id),
        world.flows.page_of_customer(STRANGER, ListQuery(), Wanted(customer.id)),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NoSuchReference):
        await world.flows.attach(STRANGER, "pm_card_visa", customer.id)
    with pytest.raises(NoSuchReference):
        await world.methods.resolve(STRANGER, method.id, Changes(STRANGER))


async def test_a_method_is_attached(world: World) -> None:
    customer, before = await world.customer(), await world.method()
    done = await world.flows.attach(TENANT, before.id, customer.id)
    after = done.result
    assert isinstance(after, PaymentMethod)
    assert (after.id, after.customer_id, after.version) == (before.id, customer.id, 2)
    assert events(done) == ["payment_method.attached"]
    assert done.changes.facts[0].subject == after


async def test_attaching_guards_against_the_customers_deletion(world: World) -> None:
    customer = await world.customer()
    done = await world.flows.attach(TENANT, "pm_card_visa", customer.id)
    deletion = await world.customers.delete(TENANT, customer.id)
    # Both change the customer's row from the same version, so only one of them is committed.
    for changes in (done.changes, deletion.changes):
        assert customer in [before for before, _ in changes.changed]


async def test_attaching_a_test_token_makes_a_new_method_each_time(world: World) -> None:
    customer = await world.customer()
    one, other = await world.attached(customer), await world.attached(customer)
    assert one.id != other.id
    assert "card" not in one.id
    assert {one.customer_id, other.customer_id} == {customer.id}
    assert (one.version, one.instrument.brand) == (1, "visa")


async def test_a_method_of_one_customer_is_not_attached_to_another(world: World) -> None:
    method = await world.attached(await world.customer())
    with pytest.raises(Refused, match="is on file already"):
        await world.attached(await world.customer(), method.id)


async def test_a_card_that_cannot_be_kept_is_not_attached(world: World) -> None:
    customer = await world.customer()
    with pytest.raises(CardDeclined) as declined:
        await world.attached(customer, "pm_card_chargeDeclined")
    assert declined.value.code == "card_declined"
    assert declined.value.decline_code == "generic_decline"
    assert await world.attached(customer, "pm_card_chargeCustomerFail")


async def test_a_method_cannot_be_attached_to_nobody(world: World) -> None:
    customer, method = await world.customer(), await world.method()
    world.commit(await world.customers.delete(TENANT, customer.id))
    for id in (customer.id, "cus_none"):
        with pytest.raises(NoSuchReference, match=f"No such customer: '{id}'") as refused:
            await world.flows.attach(TENANT, method.id, id)
        assert refused.value.param == "customer"


async def test_a_detached_method_is_never_used_again(world: World) -> None:
    customer = await world.customer()
    method = await world.attached(customer)
    done = await world.flows.detach(TENANT, method.id)
    assert events(done) == ["payment_method.detached"]
    after = world.commit(done)
    assert (after.customer_id, after.spent) == (None, True)
    with pytest.raises(Refused, match="is spent"):
        await world.attached(customer, method.id)
    with pytest.raises(Refused, match="on no customer's file"):
        await world.flows.detach(TENANT, method.id)


async def test_detaching_the_default_unsets_it(world: World) -> None:
    customer = await world.customer(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    assert customer.default_payment_method is not None
    done = await world.flows.detach(TENANT, customer.default_payment_method)
    assert events(done) == ["payment_method.detached", "customer.updated"]
    world.commit(done)
    found = await world.customer_store.find(TENANT.id, customer.id)
    assert found is not None
    assert found.default_payment_method is None


async def test_an_update_says_what_was_before(world: World) -> None:
    before = await world.attached(await world.customer())
    done = await world.flows.update(TENANT, before.id, {"metadata": {"a": "1"}})
    [fact] = done.changes.facts
    assert (fact.type, fact.subject, fact.previous) == (
        "payment_method.updated",
        done.result,
        before,
    )
    done = await world.flows.update(TENANT, before.id, {"metadata": {}})
    assert done.changes.empty()


async def test_a_test_token_cannot_be_updated_or_detached(world: World) -> None:
    with pytest.raises(Refused, match="on no customer's file"):
        await world.flows.update(TENANT, "pm_card_visa", {})
    with pytest.raises(Refused, match="on no customer's file"):
        await world.flows.detach(TENANT, "pm_card_visa")


async def test_a_customers_methods_are_listed_and_found_under_its_path(world: World) -> None:
    customer, other = await world.customer(), await world.customer()
    mine, theirs = await world.attached(customer), await world.attached(other)
    page = await world.flows.page_of_customer(TENANT, ListQuery(), Wanted(customer.id))
    assert list(page.items) == [mine]
    page = await world.flows.page(TENANT, ListQuery(), Wanted())
    assert list(page.items) == [theirs, mine]
    assert await world.flows.retrieve(TENANT, mine.id, customer.id) == mine
    for id in (theirs.id, "pm_card_visa"):
        with pytest.raises(NotFound, match=f"No such PaymentMethod: '{id}'"):
            await world.flows.retrieve(TENANT, id, customer.id)
    with pytest.raises(NotFound, match="No such customer: 'cus_none'"):
        await world.flows.retrieve(TENANT, mine.id, "cus_none")
    with pytest.raises(NoSuchReference) as refused:
        await world.flows.page(TENANT, ListQuery(), Wanted("cus_none"))
    assert refused.value.param == "customer"


# What customers ask.


async def test_a_deleted_customer_leaves_no_method_on_file(world: World) -> None:
    customer = await world.customer()
    attached = [await world.attached(customer) for _ in range(3)]
    done = await world.customers.delete(TENANT, customer.id)
    assert events(done) == ["payment_method.detached"] * 3 + ["customer.deleted"]
    world.commit(done)
    for method in attached:
        found = await world.store.find(TENANT.id, method.id)
        assert found is not None
        assert found.spent
        assert found.customer_id is None


async def test_the_file_is_cleared_past_its_first_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guilder_server.payment_methods.flows._ON_FILE_PAGE", 2)
    customer = await world.customer()
    for _ in range(5):
        await world.attached(customer)
    changes = Changes(TENANT)
    await world.flows.clear_file(TENANT, customer.id, changes)
    assert len(changes.changed) == 5


async def test_a_customer_is_created_with_a_method(world: World) -> None:
    method = await world.method()
    customer = await world.customer(payment_method=method.id)
    found = await world.store.find(TENANT.id, method.id)
    assert found is not None
    assert found.customer_id == customer.id
    with pytest.raises(NoSuchReference) as refused:
        await world.customer(payment_method="pm_none")
    assert refused.value.param == "payment_method"
    assert not isinstance(refused.value, NotFound)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("pm_none", "No such PaymentMethod: 'pm_none'"),
        ("pm_card_visa", "pm_card_visa is not on this customer's file"),
    ],
)
async def test_a_default_must_be_on_file(world: World, named: str, words: str) -> None:
    customer = await world.customer()
    given = {"invoice_settings": {"default_payment_method": named}}
    with pytest.raises(Refused, match=words) as refused:
        await world.customers.update(TENANT, customer.id, given)
    assert refused.value.code == "resource_missing"
    assert refused.value.param == "invoice_settings[default_payment_method]"


async def test_a_default_of_another_customer_is_refused(world: World) -> None:
    customer, other = await world.customer(), await world.customer()
    method = await world.attached(other)
    given = {"invoice_settings": {"default_payment_method": method.id}}
    with pytest.raises(GuilderError, match="not on this customer's file"):
        await world.customers.update(TENANT, customer.id, given)


# What payments ask.


async def test_a_payment_resolves_a_method_or_makes_one_of_a_token(world: World) -> None:
    method = await world.method()
    changes = Changes(TENANT)
    assert await world.methods.resolve(TENANT, method.id, changes) == method
    assert changes.added == []
    made = await world.methods.resolve(TENANT, "pm_card_visa", changes)
    assert changes.added == [made]
    direct = await world.methods.resolve(TENANT, "tok_visa", changes, "source")
    assert changes.added == [made, direct]
    with pytest.raises(NoSuchReference) as refused:
        await world.methods.resolve(TENANT, "pm_none", changes, "source")
    assert refused.value.param == "source"


async def test_a_payment_brings_its_own_card(world: World) -> None:
    changes = Changes(TENANT)
    method = world.methods.from_data(
        {"type": "card", "card": CARD, "metadata": {"a": "1"}}, changes
    )
    assert changes.added == [method]
    assert method.metadata == {"a": "1"}
    with pytest.raises(InvalidRequest) as refused:
        world.methods.from_data({"type": "card", "card": {"exp_month": 1}}, changes)
    assert refused.value.param == "payment_method_data[card][number]"


async def test_a_paid_method_is_kept_for_its_customer(world: World) -> None:
    changes = Changes(TENANT)
    method = await world.methods.resolve(TENANT, "pm_card_visa", changes)
    after = world.methods.attach(method, "cus_1", changes)
    assert changes.added == [after]
    assert (after.id, after.customer_id) == (method.id, "cus_1")
    assert [fact.type for fact in changes.facts] == ["payment_method.attached"]


async def test_keeping_a_paid_method_never_refuses(world: World) -> None:
    changes = Changes(TENANT)
    method = await world.method()
    for other in (replace(method, spent=True), replace(method, customer_id="cus_2")):
        assert world.methods.attach(other, "cus_1", changes) is other
    assert changes.empty()


async def test_a_paid_method_that_nobody_keeps_is_spent(world: World) -> None:
    changes = Changes(TENANT)
    made = await world.methods.resolve(TENANT, "pm_card_visa", changes)
    assert world.methods.spend(made, changes).spent
    assert [method.spent for method in changes.added] == [True]
    stored = await world.method()
    after = world.methods.spend(stored, changes)
    assert changes.changed == [(stored, after)]
    assert changes.facts == []
    assert world.methods.spend(after, changes) is after
