"""Events as the wire shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from guilder_server import wire
from guilder_server.events.domain.event import API_VERSION, Told
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant


class EventView:
    """`unpack` gives back the JSON that the payload was packed from."""

    def __init__(self, unpack: Callable[[bytes], bytes]) -> None:
        self._unpack = unpack

    def __call__(self, told: Told, tenant: Tenant) -> wire.Event:
        event = told.event
        payload = msgspec.json.decode(self._unpack(event.payload))
        return {
            "id": event.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": unix(event.created),
            "data": payload["data"],
            "livemode": tenant.livemode,
            "pending_webhooks": told.pending_webhooks,
            "request": payload["request"],
            "sequence": event.sequence,
            "type": cast(Any, event.type),
        }

    def encoded(self, told: Told, tenant: Tenant) -> bytes:
        """The bytes that listeners are sent."""
        return msgspec.json.encode(self(told, tenant))
