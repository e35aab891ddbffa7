# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import (
        Expand,
        Id,
        Metadata,
        MetadataParams,
        WebhookApiVersion,
        WebhookEventTypes,
    )

class CreateWebhookEndpointParams(TypedDict):
    api_version: NotRequired[WebhookApiVersion]
    connect: NotRequired[bool]
    description: NotRequired[str]
    enabled_events: WebhookEventTypes
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    url: str


class ListWebhookEndpointsParams(TypedDict):
    """List webhook endpoints."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveWebhookEndpointParams(TypedDict):
    """Retrieve a webhook endpoint."""

    expand: NotRequired[Expand]


class RollWebhookEndpointSecretParams(TypedDict):
    expand: NotRequired[Expand]
    overlap_s: NotRequired[int]


class TestWebhookEndpointParams(TypedDict):
    expand: NotRequired[Expand]


class UpdateWebhookEndpointParams(TypedDict):
    description: NotRequired[str]
    disabled: NotRequired[bool]
    enabled_events: NotRequired[WebhookEventTypes]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    replay: NotRequired[bool]
    url: NotRequired[str]


class WebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    api_version: str | None
    application: str | None
    connect: bool
    created: int
    description: str | None
    disabled_at: int | None
    disabled_reason: Literal["requested", "gone", "failing"] | None
    enabled_events: list[str]
    failing_since: int | None
    livemode: bool
    metadata: Metadata
    previous_secret_expires_at: int | None
    secret: NotRequired[str]
    status: Literal["disabled", "enabled"]
    url: str


class WebhookEndpointList(TypedDict):
    object: Literal["list"]
    data: list[WebhookEndpoint]
    has_more: bool
    url: str
