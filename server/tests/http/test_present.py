"""Objects and facts as the wire shows them."""

from __future__ import annotations

from typing import Any

import pytest

from guilder_server.http.facts import EventWriter, previous_attributes
from guilder_server.http.present import Rendering, Views
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Page, Tombstone
from guilder_server.kernel.tenant import Tenant
from tests.http import small
from tests.http.small import CONTRACT, NOW, TENANT, VIEWS, Memory, Payment


def test_a_page_is_a_list() -> None:
    page = Page([Payment("pay_1", 5)], has_more=True)
    assert VIEWS.render_page(page, TENANT, "/v1/payments") == {
        "object": "list",
        "url": "/v1/payments",
        "has_more": True,
        "data": [VIEWS.render(Payment("pay_1", 5), TENANT)],
    }


def test_a_search_says_where_to_go_on() -> None:
    page = Page([], has_more=False)
    shown = VIEWS.render_page(page, TENANT, "/v1/payments/search", "search_result")
    assert (shown["object"], shown["next_page"]) == ("search_result", None)
    assert "total_count" not in shown
    page = Page([], has_more=True, next_page="more", total=7)
    shown = VIEWS.render_page(page, TENANT, "/v1/payments/search", "search_result")
    assert (shown["next_page"], shown["total_count"]) == ("more", 7)


def test_a_tombstone_says_what_it_was() -> None:
    assert VIEWS.render(Tombstone("cus_1", "customer"), TENANT) == {
        "id": "cus_1",
        "object": "customer",
        "deleted": True,
    }


def test_an_object_without_a_view_is_named() -> None:
    with pytest.raises(TypeError, match="no view of Payment"):
        Views({}).render(Payment("pay_1", 5), TENANT)


def test_an_object_is_rendered_once() -> None:
    seen: list[object] = []

    def look(payment: Payment, tenant: Tenant) -> dict[str, Any]:
        seen.append(payment)
        return {"id": payment.id}

    rendering = Rendering(Views({Payment: look}), TENANT)
    payment, twin = Payment("pay_1", 5), Payment("pay_1", 5)
    operation = CONTRACT.operations["retrieve_payment"]
    assert bytes(rendering.raw(payment)) == b'{"id":"pay_1"}'
    assert rendering.encoded_result(payment, operation, "/v1/payments") == b'{"id":"pay_1"}'
    rendering.wire(payment)
    rendering.wire(twin)
    assert [one is payment for one in seen] == [True, False]


@pytest.mark.parametrize(
    ("before", "after", "previous"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}),
        ({"a": None}, {"a": 1}, {"a": None}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 2}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, {"a": {"b": {"c": 1}}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": {"b": 1}}),
        ({"a": None}, {"a": {"b": 1}}, {"a": None}),
        ({"metadata": {}}, {"metadata": {"new": "x"}}, {"metadata": {"new": None}}),
        ({"metadata": {"old": "x"}}, {"metadata": {}}, {"metadata": {"old": "x"}}),
        ({"metadata": {"k": "x"}}, {"metadata": {"k": "y"}}, {"metadata": {"k": "x"}}),
    ],
)
def test_previous_attributes_are_the_old_values_of_what_differs(
    before: dict[str, Any], after: dict[str, Any], previous: dict[str, Any]
) -> None:
    assert previous_attributes(before, after) == previous


def test_facts_become_events_in_their_order() -> None:
    clock = ManualClock(NOW)
    writer = EventWriter(Ids(clock), clock, small.pack)
    changes = Changes(TENANT)
    before = changes.add(Payment("pay_1", 5))
    after = changes.change(before, Payment("pay_1", 7, metadata={"a": "b"}))
    changes.record("payment.created", before)
    changes.record("payment.updated", after, previous=before)
    writer.write(changes, Rendering(VIEWS, TENANT), "req_1", "key-1")
    memory = Memory()
    memory.commits.append(changes)
    request = {"id": "req_1", "idempotency_key": "key-1"}
    assert memory.events() == [
        ("payment.created", {"data": {"object": VIEWS.render(before, TENANT)}, "request": request}),
        (
            "payment.updated",
            {
                "data": {
                    "object": VIEWS.render(after, TENANT),
                    "previous_attributes": {"amount": 5, "metadata": {"a": None}},
                },
                "request": request,
            },
        ),
    ]
    first, second = changes.events
    assert first.id < second.id
    assert first.id.startswith("evt_")
    assert (first.object_id, first.created) == ("pay_1", NOW)
