"""Every parameter of every operation, sent wrong: refused by its name, and nothing happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from stripe._encode import _api_encode

from guilder_server.http.decode import MOST_PAIRS
from tests.support.api import Answer, unique
from tests.support.contract import FIRST, OPERATIONS, Operation, Parameter, Path, example, placed
from tests.support.world import World

ALL = list(OPERATIONS.values())
named = pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.id)
WORD = "no-such-word"


def send(world: World, operation: Operation, params: dict[str, Any], *, json: bool) -> Answer:
    """With an idempotency key, which a refusal at the door must not use up."""
    path = world.path(operation)
    if not json:
        key = unique() if operation.method == "POST" else None
        return world.api.send(operation.method, path, params, idempotency_key=key)
    headers = {"Idempotency-Key": unique()}
    return world.api.raw(operation.method, path, json=params, headers=headers)


def encodings(operation: Operation) -> list[bool]:
    """Whether as JSON: a POST takes both."""
    return [False, True] if operation.method == "POST" else [False]


def assert_refused(
    answer: Answer, param: str, codes: set[str | None], sent: dict[str, Any]
) -> None:
    assert answer.status == 400, (sent, answer.body)
    error = answer.error
    assert error["type"] == "invalid_request_error", (sent, error)
    assert error.get("param") == param, (sent, error)
    assert error.get("code") in codes, (sent, error)


@named
@pytest.mark.usefixtures("unchanged")
def test_an_unknown_parameter_is_refused_by_its_name(world: World, operation: Operation) -> None:
    for json in encodings(operation):
        params = {**world.params(operation), "no_such_parameter": "1"}
        answer = send(world, operation, params, json=json)
        assert_refused(answer, "no_such_parameter", {"parameter_unknown"}, params)


@named
@pytest.mark.usefixtures("unchanged")
def test_an_unknown_parameter_inside_another_is_refused(world: World, operation: Operation) -> None:
    for one in operation.new_inputs():
        closed = [shape for shape in one.shapes if shape.get("additionalProperties") is False]
        for json in encodings(operation) if closed else []:
            path = (*one.path, "no_such_parameter")
            params = placed(world.params(operation), operation, path, "1")
            answer = send(world, operation, params, json=json)
            wanted = f"{one.name}[no_such_parameter]"
            assert_refused(answer, wanted, {"parameter_unknown"}, params)


@named
@pytest.mark.usefixtures("unchanged")
def test_a_missing_parameter_is_named(world: World, operation: Operation) -> None:
    for one in operation.new_inputs():
        for json in encodings(operation) if one.required else []:
            params = placed(world.params(operation), operation, one.path, None)
            inner: Any = params
            for word in one.path[:-1]:
                inner = inner[0] if word == FIRST else inner[word]
            del inner[one.path[-1]]
            if not inner and len(one.path) > 1:
                continue  # a form cannot say an empty object
            answer = send(world, operation, params, json=json)
            assert_refused(answer, one.name, {"parameter_missing"}, params)


def wrong_types(one: Parameter, *, json: bool) -> Iterator[Any]:
    """Values that no shape of the parameter has the type of."""
    kinds = one.kinds()
    free_text = any(s["type"] == "string" and not {"enum", "const"} & s.keys() for s in one.shapes)
    if "object" not in kinds and "array" not in kinds:
        yield {"no_such_parameter": "1"}
    if json:
        yield None
        yield from [] if "array" in kinds else [["a", "b"]]
        yield from [] if "boolean" in kinds else [True]
        yield from [] if "integer" in kinds else [17]
        yield 1.5
        yield from [] if free_text else [WORD]
    elif not free_text and "array" not in kinds:
        yield WORD
        if "integer" in kinds:
            yield from ("1.5", "1e3", "0x10", " 1", "\uff11", "1_000", "--1", "true")
        if "boolean" in kinds:
            yield from ("1", "TRUE", "yes")


@named
@pytest.mark.usefixtures("unchanged")
def test_a_value_of_another_type_is_refused_by_its_name(world: World, operation: Operation) -> None:
    codes: set[str | None] = {None, "parameter_invalid_integer"}
    for one in operation.new_inputs():
        for json in encodings(operation):
            for value in wrong_types(one, json=json):
                params = placed(world.params(operation), operation, one.path, value)
                answer = send(world, operation, params, json=json)
                assert_refused(answer, one.name, codes, params)


@named
@pytest.mark.usefixtures("unchanged")
def test_an_empty_value_is_refused_where_it_does_not_unset(
    world: World, operation: Operation
) -> None:
    for one in operation.new_inputs():
        for json in encodings(operation) if not one.unsettable else []:
            params = placed(world.params(operation), operation, one.path, "")
            answer = send(world, operation, params, json=json)
            assert_refused(answer, one.name, {"parameter_invalid_empty"}, params)


def too_much(one: Parameter) -> Iterator[tuple[Any, Path]]:
    """Values past a limit, with the path of what is past it."""
    for shape in one.shapes:
        if "maxLength" in shape:
            yield "x" * (shape["maxLength"] + 1), one.path
        if "pattern" in shape:
            words = (word for word in ("four", "four/") if not re.search(shape["pattern"], word))
            yield next(words), one.path
        if "maximum" in shape:
            yield shape["maximum"] + 1, one.path
            yield shape["minimum"] - 1, one.path
            yield 10**30, one.path
        if "maxItems" in shape:
            yield [example(shape["items"])] * (shape["maxItems"] + 1), one.path
            if "maxLength" in shape["items"]:
                yield ["x" * (shape["items"]["maxLength"] + 1)], (*one.path, "0")


@named
@pytest.mark.usefixtures("unchanged")
def test_a_value_past_its_limit_is_refused_by_its_name(world: World, operation: Operation) -> None:
    codes: set[str | None] = {None, "parameter_invalid_integer"}
    for one in operation.new_inputs():
        for value, path in too_much(one):
            params = placed(world.params(operation), operation, one.path, value)
            for json in encodings(operation):
                # A form with more pairs than any may have is refused before they are looked at.
                if not json and len(list(_api_encode(params))) > MOST_PAIRS:
                    continue
                answer = send(world, operation, params, json=json)
                name = path[0] + "".join(f"[{word}]" for word in path[1:])
                assert_refused(answer, name, codes, {})
