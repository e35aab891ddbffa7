"""Paths and methods that there are not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.support.contract import OPERATIONS
from tests.support.world import World

PATHS = list(dict.fromkeys(one.path for one in OPERATIONS.values()))
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "LOCK")


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    """One that sends no key."""
    with httpx.Client(base_url=world.api.url) as found:
        yield found


def allowed(path: str) -> set[str]:
    return {one.method for one in OPERATIONS.values() if one.path == path}


def filled(world: World, path: str) -> str:
    operation = next(one for one in OPERATIONS.values() if one.path == path)
    return world.path(operation)


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(
    world: World, client: httpx.Client, path: str
) -> None:
    for method in METHODS:
        if method in allowed(path):
            continue
        if method == "OPTIONS" and any(
            one.publishable for one in OPERATIONS.values() if one.path == path
        ):
            continue
        response = client.request(method, filled(world, path))
        assert response.status_code == 405, (method, path)
        assert {one.strip() for one in response.headers["allow"].split(",")} == allowed(path)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["request-id"].startswith("req_")
        if method != "HEAD":
            error = json.loads(response.content)["error"]
            assert error["type"] == "invalid_request_error"
            assert method in error["message"]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1", "/v1/", "/v2/customers", "/v1/customer", "/v1/Customers", "/V1/customers"),
        *("/v1/customers/", "//v1/customers", "/v1//customers", "/v1/customers//search"),
        *("/v1/customers;a=b", "/v1/%2Fcustomers", "/v1/%2e%2e/customers"),
        *("/v1/customers/cus_1/charges", "/v1/customers/cus_1/payment_methods/pm_1/x"),
        *(
            "/openapi.yaml",
            "/docs",
            "/metrics",
            "/admin",
            "/.env",
            "/v1/customers\\",
            "/v1/caf%C3%A9",
        ),
        *("/v1/customers/%ff/payment_methods", "/" + "x/" * 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_there_is_not_answers_404_in_json(world: World, path: str, method: str) -> None:
    answer = world.api.raw(method, httpx.URL(world.api.url).copy_with(raw_path=path.encode()))
    assert answer.status == 404, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert answer.headers["content-type"] == "application/json"
    assert "allow" not in answer.headers


@pytest.mark.parametrize(
    "named", ["%20", "%00", "%0A", "a%2Fb", "x" * 256, "x" * 5000, "%ff", "'--", "{customer}", "☃"]
)
def test_what_cannot_be_an_id_names_nothing(world: World, named: str) -> None:
    answer = world.api.raw("GET", f"/v1/customers/{named}")
    assert answer.status == 404, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert len(answer.content) < 1000


def test_a_word_in_a_path_goes_before_an_id(world: World) -> None:
    answer = world.api.raw("GET", "/v1/customers/search")
    assert answer.error["param"] == "query"
    assert world.api.raw("POST", "/v1/customers/search").status == 405


def test_an_id_of_another_kind_of_object_names_nothing(world: World) -> None:
    for operation in OPERATIONS.values():
        for name in operation.path_parameters:
            wrong = world.ids["refund" if name != "refund" else "charge"]
            others = {one: world.ids[one] for one in operation.path_parameters if one != name}
            path = operation.path.format_map({**others, name: wrong})
            answer = world.api.send(operation.method, path, world.params(operation))
            assert answer.status == 404, (operation.id, answer.body)
            assert answer.error["code"] == "resource_missing"


def test_the_errors_of_a_wrong_path_need_no_key(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").status_code == 404
    assert client.get("/v1/customers").status_code == 401
