"""Holds what a view gives against the contract and against the official types."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from tests.support.api import document
from tests.support.stripe_types import problems


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{schema}"}
    return jsonschema_rs.Draft202012Validator(reference | {"components": document()["components"]})


def wrong_with(schema: str, view: object) -> list[str]:
    """What a client, or a reader of openapi.yaml, would stumble over; nothing if all is well."""
    body = msgspec.json.decode(msgspec.json.encode(view))
    found = [str(error) for error in _validator(schema).iter_errors(body)]
    return found + problems(body)
