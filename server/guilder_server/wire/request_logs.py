# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Any, Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id, RangeQuery

RequestLogBody: TypeAlias = dict[str, Any]

RequestLogMethod: TypeAlias = Literal["DELETE", "GET", "POST"]


class ListRequestLogsParams(TypedDict):
    """List logged requests."""

    actor: NotRequired[Id]
    idempotency_key: NotRequired[str]
    method: NotRequired[RequestLogMethod]
    path: NotRequired[str]
    status: NotRequired[int]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RequestLog(TypedDict):
    id: str
    object: Literal["request_log"]
    actor: RequestLogActor
    api_version: str | None
    created: int
    error_code: str | None
    idempotency_key: str | None
    ip_address: str | None
    latency_ms: int
    livemode: bool
    method: RequestLogMethod
    operation: str
    parameters: RequestLogBody | None
    path: str
    response: RequestLogBody | None
    status: int
    truncated: bool


class RequestLogActor(TypedDict):
    id: str
    type: Literal["api_key", "oauth_client", "operator", "user"]


class RequestLogList(TypedDict):
    object: Literal["list"]
    data: list[RequestLog]
    has_more: bool
    url: str


class RetrieveRequestLogParams(TypedDict):
    """Retrieve a logged request."""

    expand: NotRequired[Expand]
