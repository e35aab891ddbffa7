"""The types of events, as a command line names them."""

from __future__ import annotations

import difflib
from typing import get_args

from guilder_server.wire.events import EventType

ALL: tuple[str, ...] = get_args(EventType)
MOST_AT_ONCE = 20  # as many as the API takes in one question


class UnknownType(ValueError):
    """No event is called that; the message says which ones are."""


def patterns(text: str) -> list[str]:
    """`charge.*,customer.created` as the API wants them; nothing where all are meant."""
    given = [each.strip() for each in text.split(",") if each.strip()]
    if not given or "*" in given:
        return []
    for each in given:
        if not any(_matches(each, type) for type in ALL):
            raise UnknownType(f"no event is called {each}.{_nearest(each)} {_listed(ALL)}")
    if len(given) > MOST_AT_ONCE:
        raise UnknownType(f"at most {MOST_AT_ONCE} types; name groups, such as charge.*")
    return given


def unknown(name: str, known: tuple[str, ...]) -> UnknownType:
    return UnknownType(f"{name} is not known here.{_nearest(name)} {_listed(known)}")


def _matches(pattern: str, type: str) -> bool:
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, ALL, 1)
    return f" Did you mean {close[0]}?" if close else ""


def _listed(known: tuple[str, ...]) -> str:
    return f"Known are: {', '.join(known)}"
