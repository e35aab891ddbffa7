"""The contract as tables for tests: its operations, and what each of them takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.api import document

Path = tuple[str, ...]
Schema = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One that an operation takes; `path` is `("shipping", "name")` for `shipping[name]`. The
    first of an array stands for all of it: `("postings", "0", "debit")`."""

    path: Path
    schema: Schema
    required: bool = False

    @property
    def name(self) -> str:
        return bracketed(self.path)

    @property
    def shapes(self) -> list[Schema]:
        """The schemas of which it may match any, without references."""
        return list(_shapes(self.schema))

    @property
    def is_id(self) -> bool:
        """Whether it names an object: by its type, or by a name that always does."""
        named = self.path[-1] in ("payment_method", "default_payment_method")
        return "Id" in _names(self.schema) or (named and self.shapes[0]["type"] == "string")

    @property
    def unsettable(self) -> bool:
        written = [self.schema, *(_open(self.schema))]
        return any(one.get("x-unsettable", False) for one in written)

    def kinds(self) -> set[str]:
        return {str(shape["type"]) for shape in self.shapes}


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    publishable: bool
    inputs: tuple[Parameter, ...]

    @property
    def path_parameters(self) -> list[str]:
        return [word[1:-1] for word in self.path.split("/") if word.startswith("{")]

    def every_input(self) -> list[Parameter]:
        """The parameters and what is inside them."""
        return [inner for one in self.inputs for inner in _inside(one)]

    def new_inputs(self) -> list[Parameter]:
        """As `every_input`, without the inside of what an operation before takes as well."""
        return [
            inner
            for one in self.inputs
            for inner in _inside(one)
            if inner is one or _first_takers()[_kind(one)] == self.id
        ]


# The place of the first of an array.
FIRST = "0"


def bracketed(path: Path) -> str:
    return path[0] + "".join(f"[{word}]" for word in path[1:])


def nested(path: Path, value: Any) -> dict[str, Any]:
    """`("a", "b"), 1` → `{"a": {"b": 1}}`."""
    for word in reversed(path):
        value = {word: value}
    return dict(value)


def resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _open(schema: Schema) -> Iterator[Schema]:
    """A schema behind its references, and the one that each reference stood in."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        yield schema


def _names(schema: Schema) -> set[str]:
    found = {schema["$ref"].rsplit("/", 1)[1]} if "$ref" in schema else set()
    for branch in resolved(schema).get("anyOf", []):
        found |= _names(branch)
    return found


def _shapes(schema: Schema) -> Iterator[Schema]:
    schema = resolved(schema)
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from _shapes(branch)
    else:
        yield schema


def _inside(parameter: Parameter) -> Iterator[Parameter]:
    yield parameter
    for shape in parameter.shapes:
        required = shape.get("required", [])
        for name, inner in shape.get("properties", {}).items():
            path = (*parameter.path, name)
            yield from _inside(Parameter(path, inner, name in required))
        if shape["type"] == "array":
            first = Parameter((*parameter.path, FIRST), shape["items"])
            # Of an array of words there is nothing to say but what the array says.
            yield from [one for one in _inside(first) if one.path != first.path]


def _kind(parameter: Parameter) -> tuple[str, frozenset[str]]:
    """The same for two parameters that take the same under the same name."""
    return parameter.name, frozenset(_names(parameter.schema))


@cache
def _first_takers() -> dict[tuple[str, frozenset[str]], str]:
    found: dict[tuple[str, frozenset[str]], str] = {}
    for operation in OPERATIONS.values():
        for one in operation.inputs:
            found.setdefault(_kind(one), operation.id)
    return found


def _operations(*, of_operator: bool) -> Iterator[Operation]:
    for path, item in document()["paths"].items():
        for method, spec in item.items():
            if spec["x-permission"].startswith("operator:") is not of_operator:
                continue
            yield Operation(
                id=spec["operationId"],
                method=method.upper(),
                path=path,
                publishable=spec.get("x-publishable", False),
                inputs=tuple(_inputs(spec)),
            )


def _inputs(spec: Schema) -> Iterator[Parameter]:
    shared = document()["components"]["parameters"]
    for listed in spec.get("parameters", []):
        one = shared[listed["$ref"].rsplit("/", 1)[1]] if "$ref" in listed else listed
        if one["in"] == "query":
            yield Parameter((one["name"],), one["schema"], one.get("required", False))
    if "requestBody" in spec:
        body = resolved(spec["requestBody"]["content"]["application/json"]["schema"])
        for name, schema in body["properties"].items():
            yield Parameter((name,), schema, name in body.get("required", []))


OPERATIONS = {operation.id: operation for operation in _operations(of_operator=False)}
# No account may call them.
OF_OPERATOR = {operation.id: operation for operation in _operations(of_operator=True)}


def example(schema: Schema) -> Any:
    """The least that a schema allows and a form can say, which knows no empty object."""
    shape = next(_shapes(schema))
    match shape:
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"type": "object"}:
            wanted = shape.get("required") or list(shape.get("properties", {}))[:1]
            return {name: example(shape["properties"][name]) for name in wanted}
        case {"type": "array"}:
            return [example(shape["items"])]
        case {"type": "integer"}:
            return max(1, shape.get("minimum", 1))
        case {"type": "boolean"}:
            return True
        case {"pattern": pattern}:
            return next(
                word for word in ("usd", "1.5", "customers:read") if re.search(pattern, word)
            )
    return "x" * max(1, shape.get("minLength", 1))


def placed(base: dict[str, Any], operation: Operation, path: Path, value: Any) -> dict[str, Any]:
    """`base` with `value` at `path`, and beside it what would be missed there."""
    top = {one.path[0]: one.schema for one in operation.inputs}
    first, *rest = path
    return {**base, first: _holding(top.get(first, {}), base.get(first), rest, value)}


def _holding(schema: Schema, known: Any, path: Sequence[str], value: Any) -> Any:
    """`known`, or the least that there can be instead, with `value` at `path` inside."""
    if not path:
        return value
    word, *rest = path
    if word == FIRST:
        array = next(one for one in _shapes(schema) if one["type"] == "array")
        first, *others = known if isinstance(known, list) else [None]
        return [_holding(array["items"], first, rest, value), *others]
    schema = next(one for one in _shapes(schema) if one["type"] == "object")
    fields = schema.get("properties", {})
    least = {name: example(fields[name]) for name in schema.get("required", [])}
    here = least | (known if isinstance(known, dict) else {})
    return {**here, word: _holding(fields.get(word, {}), here.get(word), rest, value)}
