# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Month

UsageMeterName: TypeAlias = Literal[
    "payments",
    "api_calls",
    "wallets",
    "webhook_endpoints",
    "storage_bytes",
]


class RetrieveUsageParams(TypedDict):
    """Retrieve what was used."""

    month: NotRequired[Month]
    expand: NotRequired[Expand]


class Usage(TypedDict):
    object: Literal["usage"]
    livemode: bool
    month: Month
    starts_at: int
    ends_at: int
    plan: str
    hard: bool
    meters: list[UsageMeter]


class UsageMeter(TypedDict):
    meter: UsageMeterName
    used: int
    limit: int | None


class UsageNotice(TypedDict):
    id: str
    object: Literal["usage_notice"]
    created: int
    livemode: bool
    month: Month
    meter: UsageMeterName
    percent: Literal[80, 100]
    used: int
    limit: int
    hard: bool
    plan: str
