"""What a form says, in the types of the contract.

A form has strings only. For each schema of parameters one function is compiled at start-up
that turns "100" into 100 and a dict with the keys "0", "1" into a list, where the schema wants
that. What cannot be turned stays as it is: the validator then says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from guilder_server.http.decode import Repeated
from guilder_server.kernel.errors import InvalidRequest

Schema: TypeAlias = dict[str, Any]
Coerce: TypeAlias = Callable[[Any], Any]

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_BOOLEANS = {"true": True, "false": False}


class SentTwice(Exception):
    """A value that is no array was sent more than once."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str | int] = []


def resolve(schema: Schema, document: Schema) -> Schema:
    """The schema that a chain of references ends at."""
    while "$ref" in schema:
        target: Any = document
        for word in schema["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        schema = target
    return schema


def types_of(schema: Schema) -> set[str]:
    kind = schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)


def compile_form(schema: Schema, document: Schema) -> Coerce:
    return _Compiler(document, from_form=True).compile(schema)


def compile_json(schema: Schema, document: Schema) -> Coerce:
    return _Compiler(document, from_form=False).compile(schema)


class _Compiler:
    """Compiles a schema; one that contains itself ends in a function that looks itself up."""

    def __init__(self, document: Schema, from_form: bool) -> None:
        self._document = document
        self._from_form = from_form
        self._known: dict[int, Coerce] = {}

    def compile(self, schema: Schema) -> Coerce:
        schema = resolve(schema, self._document)
        place = id(schema)
        if place not in self._known:
            self._known[place] = self._later(place)
            self._known[place] = self._compile(schema)
        return self._known[place]

    def _later(self, place: int) -> Coerce:
        def coerce(value: Any) -> Any:
            return self._known[place](value)

        return coerce

    def _compile(self, schema: Schema) -> Coerce:
        branches = [resolve(branch, self._document) for branch in _branches(schema)]
        kinds = types_of(schema)
        for branch in branches:
            kinds |= types_of(branch)
        literals = _literals([schema, *branches])
        scalar = self._scalar(kinds, literals)
        array = self._array([b for b in [schema, *branches] if "array" in types_of(b)])
        record = self._record([b for b in [schema, *branches] if "object" in types_of(b)])
        free_text = any(_takes_text(one) for one in [schema, *branches])

        def coerce(value: Any) -> Any:
            if type(value) is dict:
                if array is not None and (record is None or _indexes(value) is not None):
                    return array(value)
                return record(value) if record is not None else value
            if isinstance(value, list):
                if array is not None:
                    return array(value)
                if type(value) is Repeated:
                    raise SentTwice
                return value
            if array is not None and value and not free_text and value not in literals:
                return array(value)
            return scalar(value)

        if array is None and record is None:
            return _TEXT if scalar is _same else _guarded(scalar)
        return coerce

    def _scalar(self, kinds: set[str], literals: set[Any]) -> Coerce:
        integers, numbers = "integer" in kinds, "number" in kinds
        if not self._from_form:
            # In JSON 1.0 is an integer by the book; money is not written so.
            return _no_fraction if integers and not numbers else _same
        booleans = "boolean" in kinds

        def coerce(value: Any) -> Any:
            if type(value) is not str or value in literals:
                return value
            if integers and _INTEGER.fullmatch(value):
                return int(value)
            if numbers and _NUMBER.fullmatch(value):
                return float(value)
            return _BOOLEANS.get(value, value) if booleans else value

        return coerce if integers or numbers or booleans else _same

    def _array(self, schemas: list[Schema]) -> Coerce | None:
        if not schemas:
            return None
        item = self.compile(schemas[0].get("items", {}))
        from_form = self._from_form

        def coerce(value: Any) -> Any:
            if type(value) is dict:
                indexes = _indexes(value) if from_form else None
                if indexes is None:
                    return value
                value = [value[str(index)] for index in indexes]
            elif type(value) is str:
                value = [value] if from_form else value
            if not isinstance(value, list):
                return value
            found = []
            for position, one in enumerate(value):
                try:
                    found.append(item(one))
                except SentTwice as twice:
                    twice.path.insert(0, position)
                    raise
            return found

        return coerce

    def _record(self, schemas: list[Schema]) -> Coerce | None:
        if not schemas:
            return None
        fields: dict[str, Coerce] = {}
        others: Coerce = _TEXT
        for schema in schemas:
            for name, one in schema.get("properties", {}).items():
                fields[name] = self.compile(one)
            if isinstance(schema.get("additionalProperties"), dict):
                others = self.compile(schema["additionalProperties"])

        def coerce(value: Any) -> Any:
            for name, one in value.items():
                meant = fields.get(name, others)
                if meant is _TEXT and type(one) is str:
                    continue
                try:
                    value[name] = meant(one)
                except SentTwice as twice:
                    twice.path.insert(0, name)
                    raise
            return value

        return coerce


def _branches(schema: Schema) -> list[Schema]:
    return [branch for word in ("anyOf", "oneOf", "allOf") for branch in schema.get(word, [])]


def _literals(schemas: list[Schema]) -> set[Any]:
    """The strings that a schema names outright, such as the empty one that unsets."""
    found = {one for schema in schemas for one in schema.get("enum", [])}
    found |= {schema["const"] for schema in schemas if "const" in schema}
    return {one for one in found if isinstance(one, str)}


def _takes_text(schema: Schema) -> bool:
    return "string" in types_of(schema) and not _literals([schema])


def _indexes(value: dict[str, Any]) -> list[int] | None:
    """The keys of what may be an array, in order."""
    if not all(_INDEX.fullmatch(key) for key in value):
        return None
    return sorted(map(int, value))


def _same(value: Any) -> Any:
    return value


def _no_fraction(value: Any) -> Any:
    return repr(value) if type(value) is float else value


def _guarded(scalar: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is Repeated:
            raise SentTwice
        return scalar(value)

    return coerce


# Most parameters are texts, which need nothing done to them.
_TEXT = _guarded(_same)


def sent_twice(param: str) -> InvalidRequest:
    return InvalidRequest(
        "parameter_invalid", f"Received the parameter {param} more than once.", param
    )
