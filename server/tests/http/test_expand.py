"""Ids in an answer become the objects that they name."""

from __future__ import annotations

from typing import Any

import pytest

from guilder_server.http.contract import ContractBroken
from guilder_server.http.expand import Expander
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.steps import Page, Tombstone
from tests.http import small
from tests.http.small import CONTRACT, OTHER, TENANT, Customer, Memory, Payment, Refund

pytestmark = pytest.mark.anyio

PAYMENT = CONTRACT.operations["retrieve_payment"]
LIST = CONTRACT.operations["list_payments"]


async def expanded(
    memory: Memory,
    shown: dict[str, Any],
    *paths: str,
    operation: Any = PAYMENT,
    latest: dict[str, Any] | None = None,
) -> dict[str, Any]:
    expander = small.expander(memory)
    plan = expander.plan(operation, paths)
    assert plan is not None
    await expander.expand(shown, plan, TENANT, latest or {})
    return shown


def view(thing: object) -> dict[str, Any]:
    return small.VIEWS.render(thing, TENANT)


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    memory.put(
        Customer("cus_1", "Ada", favourite="pay_2"),
        Payment("pay_1", 5, "cus_1"),
        Payment("pay_2", 7, "cus_1"),
        Refund("re_1", "pay_1"),
        Refund("re_2", "pay_2"),
    )
    return memory


async def test_an_id_becomes_its_object(memory: Memory) -> None:
    shown = await expanded(memory, view(Payment("pay_1", 5, "cus_1")), "customer")
    assert shown["customer"]["name"] == "Ada"
    assert shown["customer"]["settings"]["favourite"] == "pay_2"


async def test_a_path_leads_through_objects(memory: Memory) -> None:
    shown = await expanded(
        memory, view(Payment("pay_1", 5, "cus_1")), "customer.settings.favourite.customer"
    )
    favourite = shown["customer"]["settings"]["favourite"]
    assert (favourite["id"], favourite["customer"]["id"]) == ("pay_2", "cus_1")
    assert favourite["customer"]["settings"]["favourite"] == "pay_2"


async def test_nothing_stays_nothing(memory: Memory) -> None:
    assert (await expanded(memory, view(Payment("pay_1", 5)), "customer"))["customer"] is None


async def test_what_is_gone_or_foreign_stays_an_id(memory: Memory) -> None:
    memory.put(Customer("cus_2"), tenant=OTHER)
    for name in ("cus_2", "cus_3"):
        shown = await expanded(memory, view(Payment("pay_1", 5, name)), "customer")
        assert shown["customer"] == name


async def test_what_was_deleted_becomes_its_tombstone(memory: Memory) -> None:
    async def load(tenant: object, wanted: str) -> object:
        return Tombstone(wanted, "customer")

    expander = Expander(
        CONTRACT,
        small.VIEWS,
        {"customer": load, "payment": load},
        {("payment", "refunds"): memory.refunds_of},
    )
    shown = view(Payment("pay_1", 5, "cus_1"))
    plan = expander.plan(PAYMENT, ("customer",))
    assert plan is not None
    await expander.expand(shown, plan, TENANT, {})
    assert shown["customer"] == {"id": "cus_1", "object": "customer", "deleted": True}


async def test_what_is_only_now_committed_is_found(memory: Memory) -> None:
    latest = {"cus_9": Customer("cus_9", "New")}
    shown = await expanded(memory, view(Payment("pay_1", 5, "cus_9")), "customer", latest=latest)
    assert shown["customer"]["name"] == "New"
    assert memory.loaded == []


async def test_a_list_is_included_when_it_is_asked_for(memory: Memory) -> None:
    shown = await expanded(memory, view(Payment("pay_1", 5)), "refunds")
    assert shown["refunds"] == {
        "object": "list",
        "url": "/v1/payments/pay_1/refunds",
        "has_more": False,
        "data": [{"id": "re_1", "object": "refund", "payment": "pay_1"}],
    }
    shown = await expanded(memory, view(Payment("pay_1", 5)), "refunds.data.payment")
    assert shown["refunds"]["data"][0]["payment"]["amount"] == 5


async def test_an_included_list_has_what_is_only_now_committed(memory: Memory) -> None:
    latest = {
        thing.id: thing
        for thing in (
            Refund("re_8", "pay_1"),
            Refund("re_9", "pay_1"),
            Refund("re_7", "pay_2"),
            Payment("pay_1", 6),
        )
    }
    shown = await expanded(memory, view(Payment("pay_1", 5)), "refunds", latest=latest)
    assert [refund["id"] for refund in shown["refunds"]["data"]] == ["re_9", "re_8", "re_1"]


async def test_lists_are_expanded_from_their_data(memory: Memory) -> None:
    page = Page([Payment("pay_1", 5, "cus_1"), Payment("pay_2", 7)], has_more=False)
    shown = small.VIEWS.render_page(page, TENANT, "/v1/payments")
    shown = await expanded(memory, shown, "data.customer", operation=LIST)
    assert shown["data"][0]["customer"]["name"] == "Ada"
    assert shown["data"][1]["customer"] is None


async def test_several_paths_meet_in_one_place(memory: Memory) -> None:
    shown = await expanded(
        memory, view(Payment("pay_1", 5, "cus_1")), "refunds", "customer.settings.favourite"
    )
    assert shown["customer"]["settings"]["favourite"]["id"] == "pay_2"
    assert shown["refunds"]["object"] == "list"


@pytest.mark.parametrize(
    ("paths", "operation", "param", "message"),
    [
        (("amount",), PAYMENT, "expand[0]", "This property cannot be expanded (amount)."),
        (("nothing",), PAYMENT, "expand[0]", "This property cannot be expanded (nothing)."),
        (("customer", ""), PAYMENT, "expand[1]", "This property cannot be expanded ()."),
        (("customer.name",), PAYMENT, "expand[0]", "cannot be expanded (customer.name)."),
        (("customer.settings",), PAYMENT, "expand[0]", "expanded (customer.settings)."),
        (("data.customer",), PAYMENT, "expand[0]", "cannot be expanded (data.customer)."),
        (("customer",), LIST, "expand[0]", "This property cannot be expanded (customer)."),
        (("data",), LIST, "expand[0]", "This property cannot be expanded (data)."),
        (
            ("customer.settings.favourite.customer.settings",),
            PAYMENT,
            "expand[0]",
            "You cannot expand more than 4 levels of a property",
        ),
    ],
)
async def test_a_path_that_leads_nowhere_is_named(
    memory: Memory, paths: tuple[str, ...], operation: Any, param: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        small.expander(memory).plan(operation, paths)
    assert message in refused.value.message
    assert refused.value.param == param


def test_what_the_contract_lets_expand_must_be_loadable(memory: Memory) -> None:
    with pytest.raises(ContractBroken) as broken:
        Expander(CONTRACT, small.VIEWS, {"customer": memory.load}, {})
    assert str(broken.value) == "no include for payment.refunds; no loader for payment"
