"""Customers over the wire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.api import Answer, Api

AMY: dict[str, Any] = {
    "name": "Amy",
    "email": "amy@example.com",
    "phone": "+31301234567",
    "address": {"line1": "Oudegracht 1", "country": "NL"},
    "shipping": {"name": "Amy", "address": {"city": "Delft"}},
    "invoice_settings": {"footer": "Thanks", "custom_fields": [{"name": "a", "value": "b"}]},
    "preferred_locales": ["nl", "en"],
    "tax_exempt": "exempt",
    "metadata": {"order": "17"},
}


def ids(answer: Answer) -> list[str]:
    return [one["id"] for one in answer["data"]]


def events(api: Api, id: str) -> list[dict[str, Any]]:
    """The events about an object, oldest first."""
    listed = api.get("/v1/events", limit=100)["data"]
    return [one for one in reversed(listed) if one["data"]["object"]["id"] == id]


def test_a_customer_is_created_and_found(api: Api) -> None:
    made = api.post("/v1/customers", **AMY)
    assert made.status == 200
    assert (made["name"], made["shipping"]["address"]["city"]) == ("Amy", "Delft")
    assert made["invoice_settings"]["custom_fields"] == [{"name": "a", "value": "b"}]
    assert made["metadata"] == {"order": "17"}
    assert api.get(f"/v1/customers/{made['id']}").body == made.body
    [event] = events(api, made["id"])
    assert event["type"] == "customer.created"
    assert event["data"]["object"] == made.body


def test_json_is_as_good_as_a_form(api: Api) -> None:
    made = api.raw("POST", "/v1/customers", json=AMY)
    assert (made["name"], made["preferred_locales"]) == ("Amy", ["nl", "en"])


def test_an_update_is_told_with_what_was_before(api: Api) -> None:
    id = api.post("/v1/customers", **AMY)["id"]
    after = api.post(
        f"/v1/customers/{id}", name="Bob", email="", metadata={"order": "", "new": "1"}
    )
    assert (after["name"], after["email"], after["metadata"]) == ("Bob", None, {"new": "1"})
    assert after["phone"] == AMY["phone"]
    event = events(api, id)[-1]
    assert event["type"] == "customer.updated"
    assert event["data"]["previous_attributes"] == {
        "email": "amy@example.com",
        "metadata": {"new": None, "order": "17"},
        "name": "Amy",
    }
    assert api.post(f"/v1/customers/{id}", metadata="")["metadata"] == {}


def test_an_update_of_nothing_is_no_event(api: Api) -> None:
    id = api.post("/v1/customers", **AMY)["id"]
    assert api.post(f"/v1/customers/{id}", name="Amy").status == 200
    assert [event["type"] for event in events(api, id)] == ["customer.created"]


def test_a_deleted_customer_stays_as_a_tombstone(api: Api) -> None:
    made = api.post("/v1/customers", **AMY, payment_method="pm_card_visa")
    id = made["id"]
    tombstone = {"id": id, "object": "customer", "deleted": True}
    assert api.delete(f"/v1/customers/{id}").body == tombstone
    assert api.get(f"/v1/customers/{id}").body == tombstone
    assert ids(api.get("/v1/customers")) == []
    assert ids(api.get("/v1/customers/search", query='name:"Amy"')) == []
    for answer in (
        api.post(f"/v1/customers/{id}", name="Bob"),
        api.delete(f"/v1/customers/{id}"),
        api.get(f"/v1/customers/{id}/payment_methods"),
    ):
        assert answer.status == 404
        assert answer.error["message"] == f"No such customer: '{id}'"
    event = events(api, id)[-1]
    assert event["type"] == "customer.deleted"
    assert event["data"]["object"]["name"] == "Amy"


def test_a_payment_shows_the_tombstone_of_its_customer(api: Api) -> None:
    id = api.post("/v1/customers", **AMY)["id"]
    paid = api.pay(customer=id)
    api.delete(f"/v1/customers/{id}")
    found = api.get(f"/v1/payment_intents/{paid['id']}", expand=["customer"])
    assert found["customer"] == {"id": id, "object": "customer", "deleted": True}


def test_a_customer_comes_with_a_default_card(api: Api) -> None:
    made = api.post(
        "/v1/customers",
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
        expand=["invoice_settings.default_payment_method"],
    )
    method = made["invoice_settings"]["default_payment_method"]
    assert (method["customer"], method["card"]["last4"]) == (made["id"], "4242")
    assert ids(api.get(f"/v1/customers/{made['id']}/payment_methods")) == [method["id"]]


def test_a_declined_card_makes_no_customer(api: Api) -> None:
    answer = api.post("/v1/customers", payment_method="pm_card_chargeDeclined")
    assert answer.status == 402
    assert answer.error["code"] == "card_declined"
    assert ids(api.get("/v1/customers")) == []


def test_a_list_is_paged_and_narrowed(api: Api) -> None:
    made = [api.post("/v1/customers", email=f"{n % 2}@example.com")["id"] for n in range(5)]
    newest = made[::-1]
    first = api.get("/v1/customers", limit=2)
    assert (ids(first), first["has_more"], first["url"]) == (newest[:2], True, "/v1/customers")
    rest = api.get("/v1/customers", limit=3, starting_after=newest[1])
    assert (ids(rest), rest["has_more"]) == (newest[2:], False)
    back = api.get("/v1/customers", limit=1, ending_before=newest[2])
    assert (ids(back), back["has_more"]) == ([newest[1]], True)
    assert ids(api.get("/v1/customers", email="1@example.com")) == [newest[1], newest[3]]
    now = int(time.time())
    assert ids(api.get("/v1/customers", created={"gte": now - 60, "lte": now + 60})) == newest
    assert ids(api.get("/v1/customers", created={"gt": now + 60})) == []
    assert ids(api.get("/v1/customers", created=now - 3600)) == []


def test_a_search_finds_by_metadata_and_words(api: Api) -> None:
    amy = api.post("/v1/customers", **AMY)["id"]
    bob = api.post("/v1/customers", name="Bob")["id"]
    found = api.get("/v1/customers/search", query='metadata["order"]:"17" AND email~"example"')
    assert (ids(found), found["object"], found["next_page"]) == ([amy], "search_result", None)
    page = api.get("/v1/customers/search", query="created>0", limit=1)
    assert (ids(page), page["has_more"]) == ([bob], True)
    page = api.get("/v1/customers/search", query="created>0", page=page["next_page"])
    assert (ids(page), page["has_more"]) == ([amy], False)


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"email": "amy"}, "email", "email_invalid"),
        ({"metadata": {"k" * 41: "v"}}, "metadata", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata", None),
        ({"tax_exempt": "maybe"}, "tax_exempt", None),
        ({"color": "red"}, "color", "parameter_unknown"),
        ({"address": {"street": "x"}}, "address[street]", "parameter_unknown"),
        ({"shipping": {"name": "Amy"}}, "shipping[address]", "parameter_missing"),
        ({"name": "x" * 257}, "name", None),
        ({"payment_method": "pm_none"}, "payment_method", "resource_missing"),
    ],
)
def test_wrong_parameters_are_named(
    api: Api, params: dict[str, Any], param: str, code: str | None
) -> None:
    answer = api.post("/v1/customers", **params)
    assert answer.status == 400
    assert (answer.error.get("param"), answer.error.get("code")) == (param, code)
    assert ids(api.get("/v1/customers")) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("name", "Expected an operator after `name` at character 5"),
        ('description:"x"', "`description` is an unsupported search field"),
        ('name:"a" AND name:"b" OR name:"c"', "AND and OR cannot be combined"),
    ],
)
def test_a_wrong_search_is_refused(api: Api, query: str, words: str) -> None:
    answer = api.get("/v1/customers/search", query=query)
    assert answer.status == 400
    assert answer.error["param"] == "query"
    assert words in answer.error["message"]


def test_a_strangers_customer_is_as_absent_as_none(api: Api, other_api: Api) -> None:
    id = api.post("/v1/customers", **AMY)["id"]

    def answers(named: str) -> list[tuple[int, str]]:
        return [
            (answer.status, answer.error["message"].replace(named, "ID"))
            for answer in (
                other_api.get(f"/v1/customers/{named}"),
                other_api.post(f"/v1/customers/{named}", name="x"),
                other_api.delete(f"/v1/customers/{named}"),
                other_api.get(f"/v1/customers/{named}/payment_methods"),
                other_api.get("/v1/customers", starting_after=named),
                other_api.get("/v1/payment_methods", customer=named),
                other_api.post("/v1/payment_methods/pm_card_visa/attach", customer=named),
                other_api.pay(customer=named),
            )
        ]

    assert answers(id) == answers("cus_absent")
    assert ids(other_api.get("/v1/customers/search", query='name:"Amy"')) == []
    assert api.get(f"/v1/customers/{id}")["name"] == "Amy"
