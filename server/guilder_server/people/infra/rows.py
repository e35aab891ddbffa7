"""Rows as the domain's data: the columns of a table are the fields of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeVar

from guilder_server.people.domain.person import User
from guilder_server.people.domain.reset import Reset
from guilder_server.people.domain.session import Session
from guilder_server.people.domain.state import State


class _Data(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


T = TypeVar("T", bound=_Data)


def columns(kind: type[_Data]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


USER = columns(User)
SESSION = columns(Session)
STATE = columns(State)
RESET = columns(Reset)
# Whose account is kept under its column's name.
INVITATION = (
    *("id", "account_id", "created", "email", "role", "expires_at"),
    *("invited_by", "accepted_at", "accepted_by", "revoked_at"),
)


def listed(names: Sequence[str], of: str = "") -> str:
    return ", ".join(f"{of}.{name}" if of else name for name in names)


def values(thing: _Data) -> list[Any]:
    return [getattr(thing, each.name) for each in fields(thing)]


def marks(names: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(names))
