# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id, Role

class ListUsersParams(TypedDict):
    """List users."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveUserParams(TypedDict):
    """Retrieve a user."""

    expand: NotRequired[Expand]


class UpdateUserParams(TypedDict):
    role: NotRequired[Role]
    expand: NotRequired[Expand]


class User(TypedDict):
    id: str
    object: Literal["user"]
    created: int
    disabled: bool
    email: str
    name: str | None
    role: Role


class UserList(TypedDict):
    object: Literal["list"]
    data: list[User]
    has_more: bool
    url: str
