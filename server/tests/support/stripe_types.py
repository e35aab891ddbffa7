"""Hold a JSON answer against the types that the official `stripe` package publishes.

The package's resource classes annotate every field with its type, whether it may be null,
and which words an enumeration holds. `problems(body)` walks a decoded JSON answer beside
those annotations and returns one line for each difference; an empty list means that a
program written against the official client reads the answer without surprise.

    from stripe_types import problems
    assert problems(response.json()) == []

From a shell: python stripe_types.py answer.json   (or - for standard input)
It needs `stripe` from PyPI and nothing else.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import json
import sys
import typing
from decimal import Decimal
from pathlib import Path

from stripe._object_classes import OBJECT_CLASSES, get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject


@functools.cache
def _imported_names(module_name: str) -> dict[str, tuple[str, str]]:
    """Names a module imports, also those it imports for type checkers alone."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module_name)))
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _lookup(name: str, owner: type):
    """The class that `name` means inside `owner`: a nested class, or an import of its module."""
    scope = owner.__qualname__.split(".")
    module = importlib.import_module(owner.__module__)
    for depth in range(len(scope), 0, -1):
        holder = module
        for part in scope[:depth]:
            holder = getattr(holder, part)
        found = holder
        for part in name.split("."):
            found = getattr(found, part, None)
            if found is None:
                break
        if isinstance(found, type):
            return found
    head, _, rest = name.partition(".")
    if head in _imported_names(owner.__module__):
        source, original = _imported_names(owner.__module__)[head]
        found = getattr(importlib.import_module(source), original)
    else:
        found = getattr(module, head)
    for part in rest.split(".") if rest else ():
        found = getattr(found, part)
    return found


@functools.cache
def fields(cls: type) -> dict[str, object]:
    """Field name -> annotation for a resource class, inherited fields included."""
    return {
        name: annotation
        for base in reversed(cls.__mro__)
        for name, annotation in vars(base).get("__annotations__", {}).items()
        if not name.startswith("_")
        and base not in (StripeObject, dict, object)
        and typing.get_origin(annotation) is not typing.ClassVar
        and name != "OBJECT_NAME"
    }


def _resolved(wanted, owner: type):
    """The annotation itself where it is written as text."""
    if isinstance(wanted, str):
        wanted = typing.ForwardRef(wanted)
    if not isinstance(wanted, typing.ForwardRef):
        return wanted
    text = wanted.__forward_arg__
    if "[" not in text:
        return _lookup(text, owner)
    names = {**vars(typing), **vars(importlib.import_module(owner.__module__))}
    for word in {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}:
        if word not in names and not hasattr(builtins, word):
            names[word] = typing.ForwardRef(word)
    return eval(text, names)  # an annotation of the installed package, nothing else


def _check(value, wanted, owner: type, where: str, out: list[str]) -> None:
    wanted = _resolved(wanted, owner)
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is typing.Any:
        return
    if origin is typing.Union:
        _check_union(value, args, owner, where, out)
    elif value is None:
        out.append(f"{where}: null, but the field is never null")
    elif origin is typing.Literal:
        if value not in args:
            out.append(f"{where}: {value!r} is none of {list(args)}")
    elif origin is list:
        if not isinstance(value, list):
            out.append(f"{where}: {type(value).__name__}, wanted a list")
            return
        for i, item in enumerate(value):
            _check(item, args[0], owner, f"{where}[{i}]", out)
    elif isinstance(origin, type):
        _check_generic(value, origin, args, owner, where, out)
    elif isinstance(wanted, type) and issubclass(wanted, StripeObject):
        _check_object(value, wanted, where, out)
    else:
        _check_plain(value, wanted, where, out)


def _check_union(value, args: tuple, owner: type, where: str, out: list[str]) -> None:
    if value is None:
        if type(None) not in args:
            out.append(f"{where}: null, but the field is never null")
        return
    args = tuple(a for a in args if a is not type(None))
    words = [typing.get_args(a) for a in args if typing.get_origin(a) is typing.Literal]
    literals = [word for some in words for word in some]
    if literals and str in args and isinstance(value, str):
        # An open enumeration: only the published words are conformant.
        if value not in literals:
            out.append(f"{where}: {value!r} is none of {literals}")
        return
    attempts = []
    for option in args:
        trial: list[str] = []
        _check(value, option, owner, where, trial)
        if not trial:
            return
        attempts.append(trial)
    if isinstance(value, dict):  # the expanded object says most; prefer its findings
        attempts.sort(key=len, reverse=True)
    out.extend(attempts[0])


def _check_generic(
    value, origin: type, args: tuple, owner: type, where: str, out: list[str]
) -> None:
    if issubclass(origin, StripeObject) and not issubclass(origin, UntypedStripeObject):
        _check_list(value, args[0], owner, where, out)  # ListObject[X], SearchResultObject[X]
    elif not isinstance(value, dict):
        out.append(f"{where}: {type(value).__name__}, wanted an object")


def _check_plain(value, wanted, where: str, out: list[str]) -> None:
    plain = {
        int: lambda v: isinstance(v, int) and not isinstance(v, bool),
        float: lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        bool: lambda v: isinstance(v, bool),
        str: lambda v: isinstance(v, str),
        Decimal: lambda v: isinstance(v, str),
    }.get(wanted)
    if plain and not plain(value):
        out.append(f"{where}: {value!r} is {type(value).__name__}, wanted {wanted.__name__}")


def _check_list(value, item_type, owner: type, where: str, out: list[str]) -> None:
    if not isinstance(value, dict) or value.get("object") not in ("list", "search_result"):
        out.append(f"{where}: wanted a list object")
        return
    for key, kind in (("data", list), ("has_more", bool), ("url", str)):
        if not isinstance(value.get(key), kind):
            out.append(f"{where}.{key}: missing, or not {kind.__name__}")
    for i, item in enumerate(value.get("data") or []):
        _check(item, item_type, owner, f"{where}.data[{i}]", out)


def _check_object(value, cls: type, where: str, out: list[str]) -> None:
    if not isinstance(value, dict):
        out.append(f"{where}: {type(value).__name__}, wanted {cls.__name__}")
        return
    if value.get("deleted") is True:  # a tombstone: id, object, deleted
        return
    if issubclass(cls, UntypedStripeObject) or cls is StripeObject:
        return
    known = fields(cls)
    for name, annotation in known.items():
        json_name = {"from_": "from"}.get(name, name)
        if json_name in value:
            _check(value[json_name], annotation, cls, f"{where}.{json_name}", out)
        elif not _may_be_absent(annotation):
            out.append(f"{where}.{json_name}: missing")


def _may_be_absent(annotation) -> bool:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    return origin is typing.Union and type(None) in args


def problems(body: dict) -> list[str]:
    """Differences between a decoded answer and the official types; [] when there are none."""
    out: list[str] = []
    kind = body.get("object") if isinstance(body, dict) else None
    if kind in ("list", "search_result"):
        for key, wanted in (("data", list), ("has_more", bool), ("url", str)):
            if not isinstance(body.get(key), wanted):
                out.append(f"{kind}.{key}: missing, or not {wanted.__name__}")
        for i, item in enumerate(body.get("data") or []):
            out += [f"data[{i}] {line}" for line in problems(item)]
    elif kind in OBJECT_CLASSES:
        _check_object(body, get_object_class("V1", kind), kind, out)
    else:
        out.append(f"object: {kind!r} is no official resource")
    return out


if __name__ == "__main__":
    answer = sys.stdin.read() if sys.argv[1:] in ([], ["-"]) else Path(sys.argv[1]).read_text()
    found = problems(json.loads(answer))
    print("\n".join(found) or "conforms")
    sys.exit(bool(found))
