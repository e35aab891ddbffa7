"""The contract, openapi.yaml, as the server executes it.

Every operation in it needs exactly one handler and every handler an operation; the server does
not start otherwise.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from guilder_server.http.auth import of_operator
from guilder_server.http.call import Handler
from guilder_server.http.coerce import Schema, resolve
from guilder_server.http.limits.classes import class_of
from guilder_server.http.operation import Operation
from guilder_server.http.roles import spelled_out
from guilder_server.http.router import Router
from guilder_server.http.validate import Parameters

_METHODS = ("get", "post", "delete", "put", "patch")
_FORM = "application/x-www-form-urlencoded"
_PAGES = ("list", "search_result")


class ContractBroken(Exception):
    """The contract and the code do not agree; the server must not start."""


def contract_path() -> Path:
    """Inside the package when it is installed, at the root of a checkout."""
    package = Path(__file__).parent.parent
    shipped = package / "openapi.yaml"
    return shipped if shipped.exists() else package.parent.parent / "openapi.yaml"


@cache
def declared_permissions(path: Path | None = None) -> frozenset[str]:
    """What a key may be allowed, all of it; read without compiling anything. What the operator
    alone may do is none of it."""
    document = _read(path)
    return frozenset(
        item[method]["x-permission"]
        for item in document["paths"].values()
        for method in _METHODS
        if method in item and not of_operator(item[method]["x-permission"])
    )


def _read(path: Path | None) -> Schema:
    with (path or contract_path()).open("rb") as file:
        document: Schema = yaml.load(file, Loader=yaml.CSafeLoader)
    return document


class Contract:
    """The operations of a document, compiled."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self.nouns = frozenset(_nouns(document))
        self.operations = {op.id: op for op in self._operations()}
        self.roles = self._roles()

    @classmethod
    def load(cls, path: Path | None = None) -> Contract:
        return cls(_read(path))

    def bind(self, apis: Sequence[object]) -> Router:
        """A router to the methods of `apis` that are named like operations."""
        handlers: dict[str, Handler] = {}
        problems: list[str] = []
        for api in apis:
            for name, handler in _handlers(api):
                if name in handlers:
                    problems.append(f"handler {name} exists twice")
                handlers[name] = handler
        defined, bound = self.operations.keys(), handlers.keys()
        problems += [f"operation {name} has no handler" for name in sorted(defined - bound)]
        problems += [f"handler {name} has no operation" for name in sorted(bound - defined)]
        if problems:
            raise ContractBroken("; ".join(problems))
        routes = [(operation, handlers[name]) for name, operation in self.operations.items()]
        return Router(routes, self.nouns)

    def _roles(self) -> dict[str, frozenset[str]]:
        """What people may do, by their role."""
        declared = {operation.permission for operation in self.operations.values()}
        roles, problems = spelled_out(self.document.get("x-roles", {}), declared)
        if problems:
            raise ContractBroken("; ".join(problems))
        return roles

    def _operations(self) -> Iterator[Operation]:
        seen: set[str] = set()
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method in item:
                    operation = self._operation(path, method, item)
                    if operation.id in seen:
                        raise ContractBroken(f"operation {operation.id} is defined twice")
                    seen.add(operation.id)
                    yield operation

    def _operation(self, path: str, method: str, item: Schema) -> Operation:
        spec = item[method]
        name = spec.get("operationId", f"{method} {path}")
        for needed in ("operationId", "x-permission"):
            if needed not in spec:
                raise ContractBroken(f"operation {name} does not say its {needed}")
        try:
            kind = class_of(method, spec.get("x-class"))
        except ValueError as problem:
            raise ContractBroken(f"operation {name}: {problem}") from None
        result = self._result(spec)
        word = _noun(result, self.document)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            permission=spec["x-permission"],
            publishable=bool(spec.get("x-publishable", False)),
            parameters=Parameters(self._parameters(spec, item), self.document),
            result=result,
            noun=_noun_of_items(result, self.document) if word in _PAGES else word,
            listed_as="search_result" if word == "search_result" else "list",
            confidential=bool(spec.get("x-confidential", False)),
            unmetered=bool(spec.get("x-unmetered", False)),
            kind=kind,
        )

    def _parameters(self, spec: Schema, item: Schema) -> Schema:
        """One schema for all that the query string and the body may hold.

        An operation takes its parameters from one of the two, so a body's schema stands as it
        is: its name in the contract then is its name in the generated types.
        """
        if "requestBody" in spec:
            body = resolve(spec["requestBody"], self.document)
            schema: Schema = body["content"][_FORM]["schema"]
            return schema
        listed = [
            resolve(one, self.document)
            for one in [*item.get("parameters", []), *spec.get("parameters", [])]
        ]
        queried = [one for one in listed if one["in"] == "query"]
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {one["name"]: {**one["schema"], **_extensions(one)} for one in queried},
            "required": [one["name"] for one in queried if one.get("required")],
        }

    def _result(self, spec: Schema) -> Schema:
        response = resolve(spec["responses"]["200"], self.document)
        schema: Schema = response["content"]["application/json"]["schema"]
        return schema


def _handlers(api: object) -> Iterator[tuple[str, Handler]]:
    """The public coroutine methods of an api object."""
    for name, _ in inspect.getmembers(type(api), inspect.iscoroutinefunction):
        if not name.startswith("_"):
            yield name, getattr(api, name)


def _extensions(parameter: Schema) -> Schema:
    return {name: value for name, value in parameter.items() if name.startswith("x-")}


def _noun(schema: Schema, document: Schema) -> str:
    """The word that an answer says it is in `object`."""
    schema = resolve(schema, document)
    if "anyOf" in schema:
        return _noun(schema["anyOf"][0], document)
    return str(schema.get("properties", {}).get("object", {}).get("const", ""))


def _noun_of_items(page: Schema, document: Schema) -> str:
    data = resolve(page, document)["properties"]["data"]
    return _noun(data["items"], document)


def _nouns(document: Schema) -> Iterator[str]:
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    for schema in schemas.values():
        if isinstance(schema, dict) and (noun := _noun(schema, document)):
            yield noun
