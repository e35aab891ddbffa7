# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id, RangeQuery, WebhookDeliveryStatus

class CreateWebhookReplayParams(TypedDict):
    expand: NotRequired[Expand]
    only_failed: NotRequired[bool]
    since: int
    until: NotRequired[int]


class ListEventDeliveriesParams(TypedDict):
    """List the deliveries of an event."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWebhookEndpointDeliveriesParams(TypedDict):
    """List the deliveries to a webhook endpoint."""

    status: NotRequired[WebhookDeliveryStatus]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWebhookReplaysParams(TypedDict):
    """List the replays to a webhook endpoint."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveWebhookDeliveryParams(TypedDict):
    """Retrieve a delivery."""

    expand: NotRequired[Expand]


class RetrieveWebhookReplayParams(TypedDict):
    """Retrieve a replay."""

    expand: NotRequired[Expand]


class RetryEventParams(TypedDict):
    expand: NotRequired[Expand]
    webhook_endpoint: Id
