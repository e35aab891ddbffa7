# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import (
        CurrencyCode,
        Expand,
        Id,
        Metadata,
        MetadataParams,
        Month,
    )
    from guilder_server.wire.usage import UsageMeter

OperatorAccountStatus: TypeAlias = Literal["active", "closed", "suspended"]

OperatorKeyKind: TypeAlias = Literal["publishable", "restricted", "secret"]


class CloseOperatorAccountParams(TypedDict):
    expand: NotRequired[Expand]


class CreateOperatorAccountParams(TypedDict):
    country: NotRequired[str]
    default_currency: NotRequired[CurrencyCode]
    email: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    organization: NotRequired[Id]
    plan: NotRequired[str]


class CreateOperatorKeyParams(TypedDict):
    expand: NotRequired[Expand]
    expires_in_s: NotRequired[int]
    kind: OperatorKeyKind
    livemode: bool
    name: NotRequired[str]
    permissions: NotRequired[list[str]]


class CreateOperatorOrganizationParams(TypedDict):
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    name: str


class ListOperatorAccountsParams(TypedDict):
    """List accounts."""

    organization: NotRequired[Id]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListOperatorKeysParams(TypedDict):
    """List the API keys of an account."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListOperatorOrganizationsParams(TypedDict):
    """List organizations."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListOperatorUsageParams(TypedDict):
    """List what accounts have used."""

    month: NotRequired[Month]
    organization: NotRequired[Id]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class OperatorAccount(TypedDict):
    id: str
    object: Literal["operator.account"]
    country: str
    created: int
    default_currency: str
    email: str | None
    metadata: Metadata
    name: str | None
    organization: str
    plan: str | None
    status: OperatorAccountStatus


class OperatorAccountList(TypedDict):
    object: Literal["list"]
    data: list[OperatorAccount]
    has_more: bool
    url: str


class OperatorKey(TypedDict):
    id: str
    object: Literal["operator.key"]
    account: str
    created: int
    expires_at: int | None
    key: NotRequired[str]
    kind: OperatorKeyKind
    last4: str
    livemode: bool
    name: str | None
    permissions: list[str] | None
    replaced_by: str | None
    replaces: NotRequired[str]
    revoked_at: int | None
    status: Literal["active", "expired", "revoked"]


class OperatorKeyList(TypedDict):
    object: Literal["list"]
    data: list[OperatorKey]
    has_more: bool
    url: str


class OperatorUsage(TypedDict):
    id: str
    object: Literal["operator.usage"]
    account: str
    organization: str
    month: Month
    starts_at: int
    ends_at: int
    plan: str
    hard: bool
    live: list[UsageMeter]
    test: list[UsageMeter]


class OperatorUsageList(TypedDict):
    object: Literal["list"]
    data: list[OperatorUsage]
    has_more: bool
    url: str


class ResumeOperatorAccountParams(TypedDict):
    expand: NotRequired[Expand]


class RetrieveOperatorAccountParams(TypedDict):
    """Retrieve an account."""

    expand: NotRequired[Expand]


class RetrieveOperatorOrganizationParams(TypedDict):
    """Retrieve an organization."""

    expand: NotRequired[Expand]


class RetrieveOperatorUsageParams(TypedDict):
    """Retrieve what an account has used."""

    month: NotRequired[Month]
    expand: NotRequired[Expand]


class RevokeOperatorKeyParams(TypedDict):
    expand: NotRequired[Expand]


class RollOperatorKeyParams(TypedDict):
    expand: NotRequired[Expand]
    overlap_s: NotRequired[int]


class SuspendOperatorAccountParams(TypedDict):
    expand: NotRequired[Expand]


class UpdateOperatorAccountParams(TypedDict):
    expand: NotRequired[Expand]
    plan: NotRequired[str]
