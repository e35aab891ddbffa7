"""The parameters that all lists share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guilder_server.http.lists import filters, list_query
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.lists import CreatedRange, ListQuery
from tests.http.small import call

LAST = 253_402_300_799


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize(
    ("created", "bounds"),
    [
        (100, CreatedRange(gte=at(100), lt=at(101))),
        ({"gte": 100}, CreatedRange(gte=at(100))),
        ({"gt": 100}, CreatedRange(gte=at(101))),
        ({"lt": 100}, CreatedRange(lt=at(100))),
        ({"lte": 100}, CreatedRange(lt=at(101))),
        ({"gt": 100, "gte": 150, "lt": 300, "lte": 200}, CreatedRange(gte=at(150), lt=at(201))),
        ({"lte": LAST}, CreatedRange(lt=datetime.max.replace(tzinfo=UTC))),
        ({}, None),
    ],
)
def test_bounds_in_seconds_become_instants(created: Any, bounds: CreatedRange | None) -> None:
    assert list_query(call("list_payments", created=created)).created == bounds


def test_within_a_second_every_instant_counts() -> None:
    bounds = list_query(call("list_payments", created=100)).created
    assert bounds is not None
    assert bounds.gte is not None
    assert bounds.lt is not None
    assert bounds.gte <= at(100) + timedelta(microseconds=999_999) < bounds.lt


def test_a_page_has_ten_unless_asked_otherwise() -> None:
    assert list_query(call("list_payments")) == ListQuery(10, None, None, None)
    asked = call("list_payments", limit=3, starting_after="pay_1")
    assert list_query(asked) == ListQuery(3, "pay_1", None, None)


def test_a_list_goes_one_way() -> None:
    with pytest.raises(InvalidRequest) as refused:
        list_query(call("list_payments", starting_after="a", ending_before="b"))
    assert refused.value.code == "parameters_exclusive"


def test_filters_are_named_as_their_columns() -> None:
    asked = call("list_payments", customer="cus_1", limit=3)
    assert filters(asked, {"customer": "customer_id", "type": "kind"}) == {"customer_id": "cus_1"}
