"""Logged requests as the wire shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.request_logs.domain.entry import RequestLog
from guilder_server.wire.request_logs import RequestLog as WireRequestLog

_content = msgspec.json.Decoder(dict[str, Any])


class RequestLogView:
    """`unpack` gives the bytes of a snapshot."""

    def __init__(self, unpack: Callable[[bytes], bytes]) -> None:
        self._unpack = unpack

    def __call__(self, log: RequestLog, tenant: Tenant) -> WireRequestLog:
        content = _content.decode(self._unpack(log.content))
        return {
            "id": log.id,
            "object": "request_log",
            "actor": {"id": log.actor_id, "type": cast(Any, log.actor_kind)},
            "api_version": log.api_version,
            "created": unix(log.created),
            "error_code": log.error_code,
            "idempotency_key": log.idempotency_key,
            "ip_address": log.address,
            "latency_ms": log.latency_ms,
            "livemode": tenant.livemode,
            "method": cast(Any, log.method),
            "operation": log.operation,
            "parameters": content["parameters"],
            "path": log.path,
            "response": content["response"],
            "status": log.status,
            "truncated": content["truncated"],
        }
