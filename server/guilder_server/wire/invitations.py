# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id, Role

class CreateInvitationParams(TypedDict):
    email: str
    role: Role
    expand: NotRequired[Expand]


class Invitation(TypedDict):
    id: str
    object: Literal["invitation"]
    accepted_by: str | None
    created: int
    email: str
    expires_at: int
    invited_by: str | None
    role: Role
    status: Literal["accepted", "expired", "open", "revoked"]
    url: NotRequired[str]


class InvitationList(TypedDict):
    object: Literal["list"]
    data: list[Invitation]
    has_more: bool
    url: str


class ListInvitationsParams(TypedDict):
    """List invitations."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveInvitationParams(TypedDict):
    """Retrieve an invitation."""

    expand: NotRequired[Expand]


class RevokeInvitationParams(TypedDict):
    expand: NotRequired[Expand]
