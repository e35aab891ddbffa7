# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Creator, Expand, Id, RangeQuery, Scopes

OauthClientAuthentication: TypeAlias = Literal[
    "client_secret",
    "private_key_jwt",
    "tls_client_auth",
]


class CreateOauthClientParams(TypedDict):
    authentication: NotRequired[OauthClientAuthentication]
    certificate_identity: NotRequired[str]
    expand: NotRequired[Expand]
    name: NotRequired[str]
    public_keys: NotRequired[list[str]]
    scopes: Scopes


class ListOauthClientsParams(TypedDict):
    """List OAuth clients."""

    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class OauthClient(TypedDict):
    id: str
    object: Literal["oauth_client"]
    authentication: OauthClientAuthentication
    certificate_identity: str | None
    created: int
    created_by: Creator | None
    last_used_at: int | None
    livemode: bool
    name: str | None
    previous_secret_expires_at: int | None
    public_keys: list[str]
    scopes: list[str]
    secret: NotRequired[str]
    secret_last4: str | None


class OauthClientList(TypedDict):
    object: Literal["list"]
    data: list[OauthClient]
    has_more: bool
    url: str


class RetrieveOauthClientParams(TypedDict):
    """Retrieve an OAuth client."""

    expand: NotRequired[Expand]


class RollOauthClientSecretParams(TypedDict):
    expand: NotRequired[Expand]
    overlap_s: NotRequired[int]
