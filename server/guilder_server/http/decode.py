"""Bodies and query strings into plain structures: dicts, lists and strings.

A form knows neither types nor arrays, so `a[0]` becomes a dict with the key "0" here; what it
is meant to be is for the contract to say (`coerce.py`). JSON arrives with its types.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from guilder_server.http.errors import HttpRefusal
from guilder_server.kernel.errors import InvalidRequest

DEEPEST = 32
MOST_PAIRS = 2_000
_LONGEST_KNOWN = 100

_MALFORMED_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_NUL = "A parameter contains a NUL character, which cannot be stored."

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Repeated(list[str]):
    """The values of a name that was sent more than once: an array, or a mistake."""


def decode_body(content_type: str | None, body: bytes) -> tuple[dict[str, Any], bool]:
    """The parameters of a body, and whether they carry their own types."""
    if not body:
        return {}, False
    kind, _, rest = (content_type or "").partition(";")
    kind = kind.strip().lower()
    charset = _charset(rest)
    if charset not in ("", "utf-8", "utf8"):
        raise HttpRefusal(415, f"Unsupported charset '{charset[:40]}': send UTF-8.")
    if kind == FORM:
        return decode_form(body), False
    if kind == JSON:
        return decode_json(body), True
    said = f"Unsupported Content-Type '{kind[:100]}'" if kind else "The Content-Type is missing"
    raise HttpRefusal(415, f"{said}: send {FORM} or {JSON}.")


def _charset(rest: str) -> str:
    for piece in rest.split(";"):
        name, _, value = piece.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def decode_form(encoded: bytes) -> dict[str, Any]:
    """Pairs with bracketed names, as a body or as a query string has them."""
    try:
        text = encoded.decode()
    except UnicodeDecodeError:
        _malformed("the text is not valid UTF-8")
    if "%" in text and _MALFORMED_PERCENT.search(text):
        _malformed("a % must be followed by two hexadecimal digits")
    if "\0" in text or "%00" in text:
        raise InvalidRequest("invalid_characters", _NUL)
    pairs = text.split("&")
    if len(pairs) > MOST_PAIRS:
        _malformed(f"there are more than {MOST_PAIRS} parameters")
    found: dict[str, Any] = {}
    try:
        for pair in pairs:
            if pair:
                name, _, value = pair.partition("=")
                path = _known_path(name) if len(name) <= _LONGEST_KNOWN else _path(name)
                _put(found, path, _unquoted(value))
    except UnicodeDecodeError:
        _malformed("the text is not valid UTF-8")
    except _Contradiction as contradiction:
        _malformed(f"'{contradiction}' is used as different kinds of value")
    return found


def _unquoted(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


def _path(quoted: str) -> tuple[str, ...]:
    """`card[networks][preferred]` → its words; an empty word appends to an array."""
    name = _unquoted(quoted)
    if name.startswith("{"):
        _malformed(f"it looks like JSON; send it with Content-Type: {JSON}")
    found = _NAME.fullmatch(name)
    if found is None:
        _malformed("the brackets of a name must be paired, as in a[b] or a[]")
    head, brackets = found.groups()
    if not brackets:
        return (head,)
    words = (head, *brackets[1:-1].split("]["))
    if len(words) > DEEPEST:
        _malformed(f"it is nested deeper than {DEEPEST}")
    if "[][]" in brackets:
        _malformed("an array directly inside an array needs indexes, as in a[0][1]")
    return words


# The same names come with every request.
_known_path = lru_cache(maxsize=2048)(_path)


class _Contradiction(Exception):
    """The same name as a value and as a structure."""


def _put(node: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    head = path[0]
    if len(path) == 1:
        if head in node:
            _repeat(node, head, value)
        else:
            node[head] = value
    elif path[1] == "":
        items = node.setdefault(head, [])
        if type(items) is not list:
            raise _Contradiction(head)
        _append(items, path[2:], value)
    else:
        child = node.setdefault(head, {})
        if type(child) is not dict:
            raise _Contradiction(head)
        _put(child, path[1:], value)


def _repeat(node: dict[str, Any], name: str, value: str) -> None:
    known = node[name]
    if type(known) is str:
        node[name] = Repeated([known, value])
    elif type(known) is Repeated:
        known.append(value)
    else:
        raise _Contradiction(name)


def _append(items: list[Any], rest: tuple[str, ...], value: str) -> None:
    """`a[]=1`, or `a[][b]=1`, which goes on with the last element until a name comes again."""
    if not rest:
        items.append(value)
        return
    if not items or type(items[-1]) is not dict or _holds(items[-1], rest):
        items.append({})
    _put(items[-1], rest, value)


def _holds(node: Any, path: tuple[str, ...]) -> bool:
    for word in path:
        if word == "":
            return False
        if type(node) is not dict or word not in node:
            return False
        node = node[word]
    return True


def decode_json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_not_json, parse_int=_integer
        )
    except UnicodeDecodeError:
        _malformed("the text is not valid UTF-8")
    except RecursionError:
        _malformed(f"it is nested deeper than {DEEPEST}")
    except json.JSONDecodeError as error:
        _malformed(f"it is not valid JSON: {error.msg} at character {error.pos}")
    if type(value) is not dict:
        _malformed("a JSON body must be an object")
    _check(value, 1)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _malformed(f"the name '{twice[:40]}' appears more than once in an object")
    return found


def _not_json(word: str) -> NoReturn:
    _malformed(f"{word} is not a JSON value")


def _integer(digits: str) -> int:
    if len(digits) > 40:
        _malformed("a number has too many digits")
    return int(digits)


def _check(value: Any, depth: int) -> None:
    """Depth, and the characters and numbers that cannot be stored."""
    if type(value) is str:
        _check_text(value)
    elif type(value) is float:
        if not math.isfinite(value):
            _malformed("a number is too large")
    elif type(value) is dict or type(value) is list:
        if depth > DEEPEST:
            _malformed(f"it is nested deeper than {DEEPEST}")
        if type(value) is dict:
            for name in value:
                _check_text(name)
        for item in value.values() if type(value) is dict else value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidRequest("invalid_characters", _NUL)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidRequest(
                "invalid_characters", "A parameter contains half of a surrogate pair."
            ) from None


def merge(query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Parameters may be in the query string, in the body, or in both, but each in one of them."""
    twice = query.keys() & body.keys()
    if twice:
        _malformed(f"'{min(twice)[:40]}' is both in the query string and in the body")
    return {**query, **body}


def _malformed(why: str) -> NoReturn:
    raise InvalidRequest("parameter_invalid", f"The request could not be read: {why}.")
