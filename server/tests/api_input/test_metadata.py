"""Metadata at its limits, on every kind of object that has it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Answer, Api
from tests.support.contract import OPERATIONS, Operation, Parameter, Path, placed
from tests.support.world import World

PLACES = [
    pytest.param(operation, one.path, id=f"{operation.id}-{one.name}")
    for operation in OPERATIONS.values()
    for one in operation.every_input()
    if one.path[-1] == "metadata"
]
everywhere = pytest.mark.parametrize(("operation", "path"), PLACES)
unchanged = pytest.mark.usefixtures("unchanged")


def send(world: World, operation: Operation, path: Path, metadata: Any) -> Answer:
    params = placed(world.params(operation), operation, path, metadata)
    if path[0] == "payment_method_data":
        card = {"card": {"token": "tok_visa"}, "type": "card"}
        params["payment_method_data"] |= card
    return world.api.send(operation.method, world.path(operation), params)


def assert_refused(answer: Answer, param: str, *, code: str | None = None) -> None:
    assert answer.status == 400, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["param"] == param, answer.error
    assert answer.error.get("code") == code
    assert len(answer.content) < 2000


def name(path: Path) -> str:
    return Parameter(path, {}).name


@everywhere
@unchanged
def test_more_than_fifty_keys_are_refused(world: World, operation: Operation, path: Path) -> None:
    many = {f"key{number}": "x" for number in range(51)}
    assert_refused(send(world, operation, path, many), name(path))


@everywhere
@unchanged
def test_a_key_of_more_than_forty_characters_is_refused(
    world: World, operation: Operation, path: Path
) -> None:
    for length in (41, 500):
        assert_refused(send(world, operation, path, {"k" * length: "x"}), name(path))


@everywhere
@unchanged
def test_a_value_of_more_than_500_characters_is_refused(
    world: World, operation: Operation, path: Path
) -> None:
    for length in (501, 20_000):
        answer = send(world, operation, path, {"key": "x" * length})
        assert_refused(answer, f"{name(path)}[key]")


@everywhere
@unchanged
def test_an_empty_key_is_refused(world: World, operation: Operation, path: Path) -> None:
    answer = send(world, operation, path, {"": "x"})
    # In a form it is an array, which metadata is not.
    assert_refused(answer, name(path))
    params = placed(world.params(operation), operation, path, {"": "x"})
    answer = world.api.raw(operation.method, world.path(operation), json=params)
    assert answer.status == 400


@everywhere
@unchanged
def test_a_structure_as_a_value_is_refused(world: World, operation: Operation, path: Path) -> None:
    for value in ({"b": "x"}, ["x"]):
        assert_refused(send(world, operation, path, {"a": value}), f"{name(path)}[a]")


@unchanged
def test_square_brackets_in_a_key_are_refused(world: World) -> None:
    for key in ("a[b]", "[", "a]"):
        answer = world.api.raw("POST", "/v1/customers", json={"metadata": {key: "x"}})
        assert_refused(answer, "metadata", code="invalid_characters")
    answer = world.api.raw(
        "POST",
        "/v1/customers",
        content=b"metadata[a%5Bb]=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status == 400


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}])
@unchanged
def test_a_value_in_json_is_a_text(world: World, value: Any) -> None:
    answer = world.api.raw("POST", "/v1/customers", json={"metadata": {"a": value}})
    assert_refused(answer, "metadata[a]")


def test_metadata_of_just_the_limits_is_kept_as_it_was_sent(api: Api) -> None:
    full = {f"{number:02}" + "k" * 38: "x" * 500 for number in range(50)}
    customer = api.post("/v1/customers", metadata=full)
    assert customer["metadata"] == full
    assert api.get(f"/v1/customers/{customer['id']}")["metadata"] == full
    # One more is too much, and one in the place of another is not.
    path = f"/v1/customers/{customer['id']}"
    assert_refused(api.post(path, metadata={"more": "x"}), "metadata")
    first = next(iter(full))
    changed = api.post(path, metadata={first: "", "more": "x"})
    assert len(changed["metadata"]) == 50
    assert changed["metadata"]["more"] == "x"


def test_limits_count_characters_and_not_bytes(api: Api) -> None:
    metadata = {"☃" * 40: "👍" * 500}
    assert api.post("/v1/customers", metadata=metadata)["metadata"] == metadata
    assert_refused(api.post("/v1/customers", metadata={"☃" * 41: "x"}), "metadata")


@pytest.mark.parametrize(
    "key",
    ["0", "a.b", "a b", "a=b&c", "%41", "__proto__", "'; DROP TABLE customers; --", "é", "\t"],
)
def test_a_key_may_hold_any_other_character(api: Api, key: str) -> None:
    metadata = {key: "x"}
    customer = api.post("/v1/customers", metadata=metadata)
    assert customer["metadata"] == metadata
    again = api.get(f"/v1/customers/{customer['id']}")
    assert again["metadata"] == metadata


def test_an_empty_value_removes_a_key_and_an_empty_text_removes_all(api: Api) -> None:
    customer = api.post("/v1/customers", metadata={"a": "1", "b": "2", "c": ""})
    assert customer["metadata"] == {"a": "1", "b": "2"}
    path = f"/v1/customers/{customer['id']}"
    assert api.post(path, metadata={"a": "", "d": "4"})["metadata"] == {"b": "2", "d": "4"}
    assert api.post(path, name="Ada")["metadata"] == {"b": "2", "d": "4"}
    assert api.post(path, metadata="")["metadata"] == {}
