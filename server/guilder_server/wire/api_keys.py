# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Creator, Expand, Id, Networks, Permissions, RangeQuery

ApiKeyKind: TypeAlias = Literal["secret", "publishable", "restricted"]


class ApiKey(TypedDict):
    id: str
    object: Literal["api_key"]
    allowed_addresses: list[str]
    created: int
    created_by: Creator | None
    expires_at: int | None
    kind: ApiKeyKind
    last4: str
    last_used_at: int | None
    livemode: bool
    name: str | None
    permissions: list[str] | None
    replaced_by: str | None
    revoked_at: int | None
    secret: NotRequired[str]
    status: Literal["active", "expired", "revoked"]


class ApiKeyList(TypedDict):
    object: Literal["list"]
    data: list[ApiKey]
    has_more: bool
    url: str


class CreateApiKeyParams(TypedDict):
    allowed_addresses: NotRequired[Networks]
    expand: NotRequired[Expand]
    expires_in_s: NotRequired[int]
    kind: ApiKeyKind
    name: NotRequired[str]
    permissions: NotRequired[Permissions]


class ListApiKeysParams(TypedDict):
    """List API keys."""

    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveApiKeyParams(TypedDict):
    """Retrieve an API key."""

    expand: NotRequired[Expand]


class RevokeApiKeyParams(TypedDict):
    expand: NotRequired[Expand]


class RollApiKeyParams(TypedDict):
    expand: NotRequired[Expand]
    overlap_s: NotRequired[int]


class UpdateApiKeyParams(TypedDict):
    allowed_addresses: NotRequired[Networks | Literal[""]]
    expand: NotRequired[Expand]
    name: NotRequired[str]
