"""Lists, filters, cursors, search and expansion over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api


@pytest.fixture
def shop(api: Api) -> dict[str, Any]:
    """A customer with three payments among others', the second of them refunded in two parts."""
    customer = api.post("/v1/customers", name="Ada")["id"]
    mine = [api.pay(1000 + n, customer=customer, metadata={"n": str(n)}) for n in range(3)]
    others = [api.pay(5000, transfer_group="g")]
    refunds = [
        api.post("/v1/refunds", payment_intent=mine[1]["id"], amount=amount)
        for amount in (100, 200)
    ]
    refunds.append(api.post("/v1/refunds", payment_intent=mine[2]["id"]))
    return {
        "customer": customer,
        "intents": [paid["id"] for paid in mine],
        "charges": [paid["latest_charge"] for paid in mine],
        "others": [paid["id"] for paid in others],
        "refunds": [refund["id"] for refund in refunds],
    }


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer["data"]]


def test_lists_are_newest_first_and_turn_their_pages(api: Api, shop: dict[str, Any]) -> None:
    everything = api.get("/v1/payment_intents")
    assert (everything["object"], everything["url"]) == ("list", "/v1/payment_intents")
    newest_first = [*shop["others"], *reversed(shop["intents"])]
    assert (ids(everything), everything["has_more"]) == (newest_first, False)
    page = api.get("/v1/payment_intents", limit=2)
    assert (ids(page), page["has_more"]) == (newest_first[:2], True)
    page = api.get("/v1/payment_intents", limit=2, starting_after=newest_first[1])
    assert (ids(page), page["has_more"]) == (newest_first[2:], False)
    page = api.get("/v1/payment_intents", limit=2, ending_before=newest_first[3])
    assert (ids(page), page["has_more"]) == (newest_first[1:3], True)


@pytest.mark.parametrize(
    ("noun", "name"),
    [
        ("payment_intents", "customer"),
        ("charges", "customer"),
        ("charges", "payment_intent"),
        ("refunds", "charge"),
        ("refunds", "payment_intent"),
    ],
)
def test_a_list_is_narrowed_to_what_belongs_to_something(
    api: Api, other_api: Api, shop: dict[str, Any], noun: str, name: str
) -> None:
    values = {
        "customer": shop["customer"],
        "payment_intent": shop["intents"][1],
        "charge": shop["charges"][1],
    }
    expected = {
        ("payment_intents", "customer"): shop["intents"][::-1],
        ("charges", "customer"): shop["charges"][::-1],
        ("charges", "payment_intent"): [shop["charges"][1]],
        ("refunds", "charge"): shop["refunds"][1::-1],
        ("refunds", "payment_intent"): shop["refunds"][1::-1],
    }
    assert ids(api.get(f"/v1/{noun}", **{name: values[name]})) == expected[noun, name]
    for client, value in ((api, f"{name[:2]}_none"), (other_api, values[name])):
        refused = client.get(f"/v1/{noun}", **{name: value})
        assert (refused.status, refused.error["code"]) == (400, "resource_missing")
        assert refused.error["param"] == name


def test_charges_are_listed_by_their_transfer_group(api: Api, shop: dict[str, Any]) -> None:
    assert [c["payment_intent"] for c in api.get("/v1/charges", transfer_group="g")["data"]] == (
        shop["others"]
    )
    assert ids(api.get("/v1/charges", transfer_group="none")) == []


def test_what_belonged_to_a_deleted_customer_is_still_listed(
    api: Api, shop: dict[str, Any]
) -> None:
    api.delete(f"/v1/customers/{shop['customer']}")
    listed = api.get("/v1/payment_intents", customer=shop["customer"], expand=["data.customer"])
    assert ids(listed) == shop["intents"][::-1]
    assert listed["data"][0]["customer"]["deleted"] is True


def test_a_list_is_narrowed_to_a_time(api: Api, shop: dict[str, Any]) -> None:
    created = api.get(f"/v1/charges/{shop['charges'][0]}")["created"]
    for noun in ("payment_intents", "charges", "refunds"):
        assert ids(api.get(f"/v1/{noun}", created={"gte": created}))
        assert ids(api.get(f"/v1/{noun}", created={"lt": created - 5})) == []


def test_what_a_list_names_is_expanded(api: Api, shop: dict[str, Any]) -> None:
    listed = api.get(
        "/v1/charges",
        customer=shop["customer"],
        expand=[
            "data.customer",
            "data.balance_transaction",
            "data.payment_intent.payment_method",
            "data.refunds",
        ],
    )
    charge = listed["data"][1]
    assert charge["customer"]["name"] == "Ada"
    assert charge["balance_transaction"]["amount"] == 1001
    assert charge["payment_intent"]["payment_method"]["card"]["last4"] == "4242"
    assert ids(charge["refunds"]) == shop["refunds"][1::-1]
    assert charge["refunds"]["url"] == f"/v1/charges/{charge['id']}/refunds"


def test_a_refund_names_its_charge_and_the_charge_its_payment(
    api: Api, shop: dict[str, Any]
) -> None:
    refund = api.get(
        f"/v1/refunds/{shop['refunds'][0]}",
        expand=["charge.payment_intent.customer", "payment_intent.latest_charge"],
    )
    assert refund["charge"]["payment_intent"]["customer"]["name"] == "Ada"
    assert refund["payment_intent"]["latest_charge"]["id"] == shop["charges"][1]


def test_payments_are_searched(api: Api, shop: dict[str, Any]) -> None:
    for query, expected in {
        "metadata['n']:'1'": shop["intents"][1:2],
        f"customer:'{shop['customer']}' AND amount>1000": shop["intents"][:0:-1],
        "status:'succeeded' AND currency:'usd' AND amount>=5000": shop["others"],
        "status:'canceled'": [],
    }.items():
        found = api.get("/v1/payment_intents/search", query=query)
        assert found["object"] == "search_result"
        assert ids(found) == expected, query


def test_charges_are_searched(api: Api, shop: dict[str, Any]) -> None:
    api.pay(3000, payment_method="pm_card_mastercard")
    for query, expected in {
        "refunded:'true'": [shop["charges"][2]],
        "metadata['n']:'0'": [shop["charges"][0]],
        f"customer:'{shop['customer']}' AND payment_method_details.card.last4:4242": (
            shop["charges"][::-1]
        ),
    }.items():
        assert ids(api.get("/v1/charges/search", query=query)) == expected, query
    mastercards = api.get(
        "/v1/charges/search", query="payment_method_details.card.brand:'mastercard'"
    )
    assert [charge["amount"] for charge in mastercards["data"]] == [3000]


def test_a_search_turns_its_pages(api: Api, shop: dict[str, Any]) -> None:
    query = f"customer:'{shop['customer']}'"
    first = api.get("/v1/payment_intents/search", query=query, limit=2)
    assert (ids(first), first["has_more"]) == (shop["intents"][:0:-1], True)
    last = api.get("/v1/payment_intents/search", query=query, limit=2, page=first["next_page"])
    assert (ids(last), last["has_more"], last["next_page"]) == (shop["intents"][:1], False, None)


@pytest.mark.parametrize("noun", ["payment_intents", "charges"])
def test_nonsense_is_not_searched_for(api: Api, noun: str) -> None:
    for query in ("status:", "color:'red'", "status:'succeeded' AND"):
        assert api.get(f"/v1/{noun}/search", query=query).status == 400
