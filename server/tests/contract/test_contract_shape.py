"""The rules that `openapi.yaml` keeps, and that what it promises is what official clients read."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from openapi_spec_validator import validate
from stripe._object_classes import OBJECT_CLASSES, get_object_class

from guilder_server.http.contract import Contract, declared_permissions
from tests.support import beyond, stripe_types

SERVER = Path(__file__).resolve().parents[2]
CONTRACT: dict[str, Any] = yaml.safe_load((SERVER.parent / "openapi.yaml").read_text("utf-8"))
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: operation
    for path in CONTRACT["paths"].values()
    for operation in path.values()
}
ANSWERS = sorted(
    name for name, schema in SCHEMAS.items() if "object" in schema.get("properties", {})
)
# Those that are an object of the official client, whole: not a page of them, not a tombstone.
PUBLISHED = {
    name: get_object_class("V1", kind)
    for name in ANSWERS
    for kind in [SCHEMAS[name]["properties"]["object"].get("const")]
    if kind in set(OBJECT_CLASSES) - {"list", "search_result"} and not name.startswith("Deleted")
}

# Objects whose fields the contract does not know.
OPEN = {"EventPreviousAttributes", "Metadata", "PaymentIntentSdkAction", "RequestLogBody"}

KEYWORDS = {
    *("$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum"),
    *("format", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum"),
    *("pattern", "properties", "required", "type"),
    *("x-expandable", "x-includable", "x-sensitive", "x-unsettable"),
}


def name_in(reference: str) -> str:
    return reference.rpartition("/")[2]


def subschemas(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all that are written inside it, each with its place."""
    yield where, schema
    for field, value in schema.get("properties", {}).items():
        yield from subschemas(value, f"{where}.{field}")
    for index, option in enumerate(schema.get("anyOf", ())):
        yield from subschemas(option, f"{where}.anyOf[{index}]")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{where}.{keyword}")


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def reachable(start: object) -> set[str]:
    """The component schemas that something leads to, through any number of references."""
    found: set[str] = set()
    waiting = list(references(start))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if kind != "schemas" or name not in found:
            found |= {name} if kind == "schemas" else set()
            waiting += references(CONTRACT["components"][kind][name])
    return found


EVERYWHERE = [
    *(pair for name, schema in SCHEMAS.items() for pair in subschemas(schema, name)),
    *(
        pair
        for parameter in CONTRACT["components"]["parameters"].values()
        for pair in subschemas(parameter["schema"], parameter["name"])
    ),
]
REQUESTED = reachable([operation.get("requestBody") for operation in OPERATIONS.values()])
ANSWERED = reachable([operation["responses"] for operation in OPERATIONS.values()])


class LoaderWithoutDuplicates(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is written twice: {node.start_mark}"
        return super().construct_mapping(node, deep)


def test_the_contract_is_a_valid_openapi_document_without_duplicate_keys() -> None:
    validate(CONTRACT)
    # A subclass of SafeLoader, so it builds plain data only.
    yaml.load((SERVER.parent / "openapi.yaml").read_text("utf-8"), LoaderWithoutDuplicates)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_says_who_may_call_it_and_what_it_does(operation_id: str) -> None:
    operation = OPERATIONS[operation_id]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation_id)
    assert [tag["name"] for tag in CONTRACT["tags"]].count(operation["tags"][0]) == 1
    assert len(operation["tags"]) == 1
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert operation["description"].endswith(".")
    assert re.fullmatch(r"[a-z_]+:(read|write)", operation["x-permission"])
    assert set(operation["responses"]) == {"200", "default"}


def test_an_operation_id_is_used_once() -> None:
    assert len(OPERATIONS) == sum(len(path) for path in CONTRACT["paths"].values())


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_a_body_is_form_or_json_of_one_schema_named_after_the_operation(operation_id: str) -> None:
    body = OPERATIONS[operation_id].get("requestBody")
    if body is None:
        return
    name = "".join(word.capitalize() for word in operation_id.split("_")) + "Params"
    wanted = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    assert body["content"] == {
        "application/x-www-form-urlencoded": wanted,
        "application/json": wanted,
    }
    assert body.get("required", False) == bool(SCHEMAS[name].get("required"))


def test_writes_take_an_idempotency_key() -> None:
    for path in CONTRACT["paths"].values():
        for method, operation in path.items():
            takes = "#/components/parameters/IdempotencyKey" in references(operation)
            assert takes == (method == "post"), operation["operationId"]


def test_schemas_use_only_known_keywords() -> None:
    """A comma in a description that nobody quoted becomes a keyword of its own."""
    assert [
        f"{where}: {word}" for where, schema in EVERYWHERE for word in set(schema) - KEYWORDS
    ] == []


def test_an_object_is_a_named_component() -> None:
    inline = [
        where
        for where, schema in EVERYWHERE
        if schema.get("type") == "object" and where not in SCHEMAS
    ]
    assert inline == []


def test_an_object_has_the_listed_fields_and_no_others() -> None:
    objects = {name: schema for name, schema in SCHEMAS.items() if schema.get("type") == "object"}
    is_open = {name for name in objects if objects[name]["additionalProperties"] is not False}
    assert is_open == OPEN
    for name, schema in objects.items():
        assert set(schema.get("required", ())) <= set(schema.get("properties", ())), name


def test_every_component_is_used() -> None:
    assert REQUESTED | reachable(CONTRACT["paths"]) == set(SCHEMAS)
    used = set(references(CONTRACT))
    for kind in ("parameters", "headers", "responses"):
        for name in CONTRACT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used


def test_an_id_that_can_become_an_object_says_which() -> None:
    for where, schema in EVERYWHERE:
        if where.split(".")[0] not in ANSWERED:
            continue
        options = schema.get("anyOf", ())
        names = [name_in(option["$ref"]) for option in options if "$ref" in option]
        kinds = [
            SCHEMAS[name]["properties"]["object"]["const"]
            for name in names
            if "object" in SCHEMAS[name].get("properties", {})
        ]
        expandable = {"type": "string"} in options and kinds
        assert schema.get("x-expandable", []) == (
            list(dict.fromkeys(kinds)) if expandable else []
        ), where


def test_what_a_caller_sends_is_bounded() -> None:
    for where, schema in EVERYWHERE:
        if where.split(".")[0] not in REQUESTED or where.startswith("Metadata."):
            continue  # the limits of metadata have errors of their own
        if schema.get("type") == "string":
            assert schema.keys() & {"maxLength", "enum", "const", "pattern"}, where
        if schema.get("type") == "integer":
            assert schema.keys() >= {"minimum", "maximum"}, where
        if schema.get("type") == "array":
            assert "maxItems" in schema, where


def test_an_empty_string_is_taken_only_where_it_unsets() -> None:
    def takes_empty(schema: dict[str, Any]) -> bool:
        if "anyOf" in schema:
            return any(takes_empty(option) for option in schema["anyOf"])
        if "const" in schema or "enum" in schema:
            return "" in schema.get("enum", [schema.get("const")])
        plain = schema.get("type") == "string" and "pattern" not in schema
        return plain and schema.get("minLength", 0) == 0

    for where, schema in EVERYWHERE:
        name = where.split(".")[0]
        # An option is judged with the whole; an empty value of metadata unsets its key.
        if name in REQUESTED and name != "Metadata" and "anyOf[" not in where:
            assert takes_empty(schema) == schema.get("x-unsettable", False), where


def samples(schema: dict[str, Any], depth: int = 0) -> Iterator[Any]:
    """Values that a schema allows: each word and each option at least once, the fullest first.

    A resource inside a resource comes in one form only, without another inside.
    """
    if "$ref" in schema:
        name = name_in(schema["$ref"])
        depth += name in PUBLISHED
        if depth <= 2:
            one_or_all = 1 if name in PUBLISHED and depth == 2 else None
            yield from islice(samples(SCHEMAS[name], depth), one_or_all)
    elif "const" in schema:
        yield schema["const"]
    elif "enum" in schema:
        yield from schema["enum"]
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from samples(option, depth)
    elif "properties" in schema:
        yield from object_samples(schema, depth)
    else:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        for kind in kinds:
            if kind == "array":
                yield list(samples(schema["items"], depth))
            else:
                yield {"string": "x", "integer": 1, "number": 1.5, "boolean": True}.get(
                    kind, {} if kind == "object" else None
                )


def object_samples(schema: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    possible = {field: list(samples(value, depth)) for field, value in schema["properties"].items()}
    full = {field: values[0] for field, values in possible.items() if values}
    yield full
    yield {field: value for field, value in full.items() if field in schema.get("required", ())}
    for field, values in possible.items():
        for value in values[1:]:
            yield {**full, field: value}


# What these have as `object` is the type of something else.
OF_OTHERS = ("AuditEntryChange", "EventData")


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in OF_OTHERS])
def test_all_that_an_answer_may_hold_is_what_official_clients_read(name: str) -> None:
    """No never-null field is missing or null, and no word of an enumeration is unpublished."""
    found = {
        problem
        for sample in samples({"$ref": f"#/components/schemas/{name}"})
        for problem in stripe_types.problems(beyond.official(sample))
    }
    assert found == set()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_resource_has_only_published_fields_and_those_that_are_known_to_be_ours(
    name: str,
) -> None:
    published = set(stripe_types.fields(PUBLISHED[name]))
    assert set(SCHEMAS[name]["properties"]) - published == beyond.FIELDS.get(name, set())


def test_what_is_beyond_the_official_api_is_in_none_of_its_parts() -> None:
    kinds = {SCHEMAS[name]["properties"]["object"].get("const") for name in ANSWERS} - {None}
    assert kinds - set(OBJECT_CLASSES) == beyond.OBJECTS
    official = set(get_args(stripe_types.fields(get_object_class("V1", "event"))["type"]))
    assert set(SCHEMAS["EventType"]["enum"]) - official == beyond.EVENT_TYPES
    # Whoever asks for any official type is understood.
    asked = {"*"} | (beyond.EVENT_TYPES - beyond.UNASKED)
    assert set(SCHEMAS["WebhookEventType"]["enum"]) == official | asked


def test_the_wire_types_are_what_the_contract_says() -> None:
    run = subprocess.run(
        [sys.executable, SERVER / "generate_wire.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_permissions_that_a_key_may_have_are_those_that_operations_need() -> None:
    needed = {operation.permission for operation in Contract.load().operations.values()}
    assert declared_permissions() == needed - {"operator:read", "operator:write"}
