"""Parameters held against the contract.

The schema is the only authority: a compiled JSON Schema validator says whether parameters are
right. Only when they are not is it asked for all that is wrong, of which the most helpful is
told, in the words that Stripe's clients and their users know.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from itertools import islice
from typing import Any

import jsonschema_rs as rs

from guilder_server.http.coerce import (
    Schema,
    SentTwice,
    compile_form,
    compile_json,
    resolve,
    sent_twice,
)
from guilder_server.kernel.errors import InvalidRequest

Path = tuple[str | int, ...]
Kind = rs.ValidationErrorKind

# What a caller is told first: a name that does not exist (a typing error explains the rest),
# then a value that is no value of its type, then what is missing, then a limit.
_UNKNOWN, _MISTYPED, _MISSING, _LIMIT = range(4)
_LONGEST_SHOWN = 100
_SCHEMAS = "#/components/schemas/"
_MOST_NAMED = 10
# Of more words than these, only those that are near are told.
_MOST_LISTED = 30
# A body may hold a hundred thousand mistakes, of which one is told: what is longer than this is
# looked at as far as its first one only. No object has so many names, no array needs so many items.
_LOOKED_AT = 200


class Parameters:
    """The parameters of one operation, ready to read from a form or from JSON."""

    def __init__(self, schema: Schema, document: Schema) -> None:
        self.schema = self._schema = schema
        self._document = document
        self._from_form = compile_form(schema, document)
        self._from_json = compile_json(schema, document)
        # A validator keeps a copy of all that it is given: only what the schema leads to.
        shared = {"components": {"schemas": _reachable(schema, document)}}
        self._validator = rs.Draft202012Validator({**schema, **shared}, validate_formats=False)

    def read(self, raw: dict[str, Any], typed: bool) -> dict[str, Any]:
        """`raw` in the types of the contract; `typed` when it came as JSON.

        Raises InvalidRequest about the first thing to put right.
        """
        try:
            params: dict[str, Any] = (self._from_json if typed else self._from_form)(raw)
        except SentTwice as twice:
            # A name that does not exist is a better thing to say.
            self._refuse(dict.fromkeys(raw), only=_UNKNOWN)
            raise sent_twice(param_name(twice.path)) from None
        if not self._validator.is_valid(params):
            self._refuse(params)
            raise InvalidRequest("parameter_invalid", "The parameters are not valid.")
        return params

    def _refuse(self, params: dict[str, Any], only: int | None = None) -> None:
        found = [
            problem
            for error in self._validator.iter_errors(self._as_far_as_wrong(params))
            for problem in self._problems(error, ())
        ]
        found.sort(key=lambda problem: (problem[0], len(problem[1]), problem[2]))
        for rank, _, _, refusal in found:
            if only is None or rank == only:
                raise refusal

    def _as_far_as_wrong(self, params: dict[str, Any]) -> dict[str, Any]:
        """`params` without what follows on the first mistake in a long array or object."""
        right, wrong, longest = _LOOKED_AT - 1, _LOOKED_AT, _longest(params)
        while wrong < longest and self._validator.is_valid(_cut(params, wrong)):
            right, wrong = wrong, 2 * wrong
        while wrong - right > 1:
            middle = (right + wrong) // 2
            if self._validator.is_valid(_cut(params, middle)):
                right = middle
            else:
                wrong = middle
        short: dict[str, Any] = _cut(params, wrong)
        return short

    def _problems(
        self, error: rs.ValidationError, base: Path
    ) -> list[tuple[int, Path, int, InvalidRequest]]:
        """What an error means; several for one that stands for alternatives."""
        path = tuple(error.instance_path) or base
        kind = error.kind
        if isinstance(kind, Kind.AnyOf | Kind.OneOfNotValid) and error.instance != "":
            branch = _closest(kind.context, path)
            return [one for inner in branch for one in self._problems(inner, path)]
        told = _Telling(self._schema, self._document, path, error.instance)
        return [told.problem(kind)]


def _longest(value: Any) -> int:
    """How much the longest array or object in it has."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return max(len(value), max(map(_longest, inner), default=0))


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {name: _cut(inner, most) for name, inner in islice(value.items(), most)}
    if isinstance(value, list):
        return [_cut(inner, most) for inner in value[:most]]
    return value


def _closest(branches: list[list[rs.ValidationError]], path: Path) -> list[rs.ValidationError]:
    """Of alternatives that all failed, the one that was meant: not the empty string that only
    unsets, and one that fails by more than its type."""

    def distance(errors: list[rs.ValidationError]) -> tuple[bool, bool]:
        outside = [error.kind for error in errors if len(error.instance_path) <= len(path)]
        unsets = any(isinstance(k, Kind.Constant) and k.expected_value == "" for k in outside)
        return unsets, any(isinstance(kind, Kind.Type) for kind in outside)

    return min(branches, key=distance)


class _Telling:
    """One thing that is wrong with the value at `path`, in words."""

    def __init__(self, schema: Schema, document: Schema, path: Path, value: Any) -> None:
        self._schema, self._document = schema, document
        self._path, self._value = path, value
        self._param = param_name(path)

    def problem(self, kind: Kind) -> tuple[int, Path, int, InvalidRequest]:
        rank, order, refusal = self._tell(kind)
        return rank, self._path, order, refusal

    def _tell(self, kind: Kind) -> tuple[int, int, InvalidRequest]:
        match kind:
            case Kind.AdditionalProperties():
                return _UNKNOWN, 0, self._unknown(kind.unexpected)
            case Kind.Required():
                return _MISSING, self._order(kind.property), self._missing(kind.property)
            case _ if self._value == "":
                return _MISTYPED, 0, self._empty()
            case Kind.Type():
                return _MISTYPED, 0, self._mistyped(kind.types)
            case Kind.Enum():
                return _MISTYPED, 0, self._not_one_of(kind.options)
            case Kind.Constant():
                return _MISTYPED, 0, self._not_one_of([kind.expected_value])
            case Kind.AnyOf() | Kind.OneOfNotValid():
                return _MISTYPED, 0, self._refusal(f"Invalid value{self._shown()}")
            case _:
                return _LIMIT, 0, self._limit(kind)

    def _unknown(self, names: list[str]) -> InvalidRequest:
        params = [param_name((*self._path, name)) for name in sorted(names)]
        if any(len(param) > _LONGEST_SHOWN or not param.isprintable() for param in params):
            return InvalidRequest("parameter_unknown", "Received an unknown parameter.")
        word = "parameter" if len(params) == 1 else "parameters"
        message = f"Received unknown {word}: {', '.join(params[:_MOST_NAMED])}"
        if len(params) > _MOST_NAMED:
            message += f" and {len(params) - _MOST_NAMED} more"
        near = get_close_matches(names[0], self._known_names(), n=1) if len(names) == 1 else []
        if near:
            message += f". Did you mean {param_name((*self._path, near[0]))}?"
        return InvalidRequest("parameter_unknown", message, params[0])

    def _missing(self, name: str) -> InvalidRequest:
        param = param_name((*self._path, name))
        return InvalidRequest("parameter_missing", f"Missing required param: {param}.", param)

    def _empty(self) -> InvalidRequest:
        return InvalidRequest(
            "parameter_invalid_empty",
            f"{self._param} is empty, which means that it is to be unset, and that it cannot be. "
            "Leave it out, or send a value.",
            self._param,
        )

    def _mistyped(self, types: list[str]) -> InvalidRequest:
        wanted = next((kind for kind in types if kind != "null"), "value")
        code = "parameter_invalid_integer" if wanted == "integer" else "parameter_invalid"
        # A structure in the place of a value, or a value in that of a structure, may hold
        # anything: it is not repeated.
        plain = wanted not in ("object", "array") and not isinstance(self._value, dict | list)
        return self._refusal(f"Invalid {wanted}{self._shown() if plain else ''}", code)

    def _not_one_of(self, options: list[Any]) -> InvalidRequest:
        words = [str(option) for option in options if option != ""]
        if len(words) > _MOST_LISTED:
            near = get_close_matches(str(self._value), words, 3, 0.5)
            hint = f" Did you mean {' or '.join(near)}?" if near and not self._hidden() else ""
            return self._refusal(
                f"Invalid {self._param}{self._shown()}: it is none of the {len(words)} words that "
                f"may stand here.{hint}"
            )
        if len(words) > 2:
            listed = f"{', '.join(words[:-1])}, or {words[-1]}"
        else:
            listed = " or ".join(words)
        return self._refusal(f"Invalid {self._param}: must be one of {listed}")

    def _limit(self, kind: Kind) -> InvalidRequest:
        match kind:
            case Kind.Minimum():
                what = f"This value must be greater than or equal to {kind.limit}."
                return self._refusal(what, "parameter_invalid_integer")
            case Kind.Maximum():
                what = f"This value must be less than or equal to {kind.limit}."
                return self._refusal(what, "parameter_invalid_integer")
            case Kind.MaxLength():
                said = f"Invalid string{self._shown()}; must be at most {kind.limit} characters"
                return self._refusal(said)
            case Kind.MinLength():
                said = f"Invalid string{self._shown()}; must be at least {kind.limit} characters"
                return self._refusal(said)
            case Kind.Pattern() if isinstance(self._value, str) and not self._value.strip():
                said = f"The parameter {self._param} contains only white space."
                return self._refusal(said, "parameter_invalid_string_blank")
            case Kind.MaxItems():
                return self._refusal(f"Invalid array: {self._param} takes at most {kind.limit}.")
            case Kind.MinItems():
                return self._refusal(f"Invalid array: {self._param} needs at least {kind.limit}.")
            case Kind.MaxProperties():
                return self._refusal(f"Invalid object: {self._param} takes at most {kind.limit}.")
            case _:
                return self._refusal(f"Invalid {self._param}{self._shown()}")

    def _refusal(self, message: str, code: str = "parameter_invalid") -> InvalidRequest:
        return InvalidRequest(code, message, self._param)

    def _shown(self) -> str:
        """The value, unless the contract calls it sensitive."""
        if self._hidden():
            return ""
        value = self._value
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) > _LONGEST_SHOWN:
            text = f"{text[:20]}...{text[-10:]}"
        return f": {text}"

    def _hidden(self) -> bool:
        return any(
            one.get("x-sensitive", False)
            for depth in range(len(self._path) + 1)
            for one in self._at(self._path[:depth])
        )

    def _known_names(self) -> list[str]:
        return [name for one in self._at(self._path) for name in one.get("properties", {})]

    def _order(self, name: str) -> int:
        """A required parameter's place among the required ones."""
        for one in self._at(self._path):
            if name in one.get("required", []):
                return int(one["required"].index(name))
        return 0

    def _at(self, path: Path) -> list[Schema]:
        """The schemas that describe the place, before and after following their references."""
        here = self._open([self._schema])
        for word in path:
            inside: list[Schema] = []
            for one in here:
                if isinstance(word, int):
                    inside.append(one.get("items", {}))
                elif word in one.get("properties", {}):
                    inside.append(one["properties"][word])
                elif isinstance(one.get("additionalProperties"), dict):
                    inside.append(one["additionalProperties"])
            here = self._open(inside)
        return here

    def _open(self, schemas: list[Schema]) -> list[Schema]:
        found: list[Schema] = []
        for schema in schemas:
            found.append(schema)
            target = resolve(schema, self._document)
            if target is not schema:
                found.append(target)
            for word in ("anyOf", "oneOf", "allOf"):
                found += self._open(target.get(word, []))
        return found


def param_name(path: Path | list[str | int]) -> str:
    """`("card", "number")` as the form writes it: `card[number]`."""
    if not path:
        return ""
    return str(path[0]) + "".join(f"[{word}]" for word in path[1:])


def _reachable(schema: Schema, document: Schema) -> Schema:
    """The shared schemas that `schema` refers to, by way of each other too, by their names."""
    found: Schema = {}
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).removeprefix(_SCHEMAS)
            if "$ref" in one and name not in found:
                found[name] = resolve(one, document)
                waiting.append(found[name])
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found
