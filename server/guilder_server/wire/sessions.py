# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id, Role

class ChangePasswordParams(TypedDict):
    new_password: str
    old_password: str
    expand: NotRequired[Expand]


class CreateRecoveryCodesParams(TypedDict):
    code: str
    password: str
    expand: NotRequired[Expand]


class ListSessionsParams(TypedDict):
    """List sessions."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveCurrentSessionParams(TypedDict):
    """Retrieve the current session."""

    expand: NotRequired[Expand]


class RevokeSessionParams(TypedDict):
    expand: NotRequired[Expand]


class Session(TypedDict):
    id: str
    object: Literal["session"]
    accounts: NotRequired[list[SessionAccount]]
    address: str | None
    created: int
    csrf_token: NotRequired[str]
    current: bool
    email: NotRequired[str]
    expires_at: int
    factor: Literal["password_and_code", "password_and_recovery_code", "provider"]
    last_seen: int
    recovery_codes_left: NotRequired[int]
    revoked: bool
    user: str
    user_agent: str | None


class SessionAccount(TypedDict):
    account: str
    role: Role


class SessionList(TypedDict):
    object: Literal["list"]
    data: list[Session]
    has_more: bool
    url: str
