"""Which parameters of an operation may be kept, as the contract has it."""

from __future__ import annotations

from typing import Any

from guilder_server.http.coerce import Schema, resolve
from guilder_server.request_logs.domain.redaction import ANY, ITEM, Allowed

_DEEPEST = 8


def allowed_of(schema: Schema, document: Schema, depth: int = 0) -> Allowed:
    """What is not named in it is not kept; an object that is open to any name is kept by the rules
    that hold for all."""
    schema = resolve(schema, document)
    shapes = [resolve(one, document) for one in schema.get("anyOf", [schema])]
    found: dict[str, Allowed] = {}
    for shape in shapes:
        if isinstance(shape.get("additionalProperties"), dict):
            return ANY
        found |= _fields(shape, document, depth)
        if "items" in shape and depth < _DEEPEST:
            found[ITEM] = allowed_of(shape["items"], document, depth + 1)
    return found


def _fields(shape: Schema, document: Schema, depth: int) -> dict[str, Allowed]:
    if depth >= _DEEPEST:
        return {}
    properties: dict[str, Any] = shape.get("properties", {})
    return {
        name: allowed_of(one, document, depth + 1)
        for name, one in properties.items()
        if not one.get("x-sensitive", False)
    }
