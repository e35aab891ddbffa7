"""From a method and a path to an operation, by the segments of the path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import unquote

from guilder_server.http.call import Handler
from guilder_server.http.errors import HttpRefusal
from guilder_server.http.operation import Operation
from guilder_server.kernel.errors import NotFound

_PARAMETER = re.compile(r"\{(\w+)\}")
# No id that Guilder gives out is longer or has other characters.
_PLAUSIBLE_ID = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with the handler that carries it out."""

    operation: Operation
    handler: Handler
    # The path's parameters in their order, and the noun that each one's id belongs to.
    names: tuple[str, ...]
    nouns: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    methods: dict[str, Route] = field(default_factory=dict)


class Router:
    def __init__(self, routes: Iterable[tuple[Operation, Handler]], nouns: Iterable[str]) -> None:
        self._root = _Node()
        # Paths without a parameter are found at once.
        self._whole: dict[tuple[str, bytes], Route] = {}
        known = set(nouns)
        for operation, handler in routes:
            names = tuple(_PARAMETER.findall(operation.path))
            belongs = tuple(name if name in known else operation.noun for name in names)
            self._add(Route(operation, handler, names, belongs))

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.operation.path.strip("/").split("/"):
            if _PARAMETER.fullmatch(segment):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.methods[route.operation.method] = route
        if not route.names:
            self._whole[route.operation.method, route.operation.path.encode()] = route

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route of a request with the path's parameters.

        A word in the contract's path goes before a parameter in the same place.
        """
        whole = self._whole.get((method, raw_path))
        if whole is not None:
            return whole, {}
        segments = _segments(raw_path)
        found = _descend(self._root, segments, 0, ()) if segments else None
        if found is None:
            _unknown(method, raw_path)
        node, values = found
        route = node.methods.get(method)
        if route is None:
            _not_allowed(method, raw_path, node.methods)
        for noun, value in zip(route.nouns, values, strict=True):
            if not _PLAUSIBLE_ID.fullmatch(value):
                raise NotFound(noun, f"{value[:40]}…" if len(value) > 40 else value)
        return route, dict(zip(route.names, values, strict=True))

    def browser_methods(self, raw_path: bytes) -> list[str]:
        """The methods that a browser, with a publishable key, may use on a path."""
        segments = _segments(raw_path)
        found = _descend(self._root, segments, 0, ()) if segments else None
        methods = found[0].methods if found else {}
        return sorted(name for name, route in methods.items() if route.operation.publishable)


def _segments(raw_path: bytes) -> list[str]:
    """The decoded words between the slashes; none when the path cannot be one of ours."""
    try:
        text = raw_path.decode("ascii")
        words = text.split("/")
        if words[0] or len(words) > 32:
            return []
        return [unquote(word, errors="strict") if "%" in word else word for word in words[1:]]
    except UnicodeDecodeError:
        return []


def _descend(
    node: _Node, segments: list[str], place: int, values: tuple[str, ...]
) -> tuple[_Node, tuple[str, ...]] | None:
    if place == len(segments):
        return (node, values) if node.methods else None
    segment = segments[place]
    fixed = node.fixed.get(segment)
    found = _descend(fixed, segments, place + 1, values) if fixed else None
    if found is None and node.any is not None and segment:
        found = _descend(node.any, segments, place + 1, (*values, segment))
    return found


def _unknown(method: str, raw_path: bytes) -> NoReturn:
    raise HttpRefusal(404, f"There is no such URL: {_shown(raw_path)} ({method}).")


def _not_allowed(method: str, raw_path: bytes, methods: Mapping[str, Route]) -> NoReturn:
    allowed = ", ".join(sorted(methods))
    raise HttpRefusal(
        405,
        f"{_shown(raw_path)} cannot be asked for with {method}; it takes {allowed}.",
        ((b"allow", allowed.encode()),),
    )


def _shown(raw_path: bytes) -> str:
    text = raw_path.decode("ascii", "backslashreplace")
    return text if len(text) <= 200 else f"{text[:200]}…"
