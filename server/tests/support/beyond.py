"""What Guilder has beyond the official API, word by word: all else is held to it."""

from __future__ import annotations

from typing import Any

# What these look like the contract alone says.
OBJECTS = frozenset({"webhook_delivery", "webhook_replay"})
FIELDS = {
    "Event": {"sequence"},
    "WebhookEndpoint": {
        *("connect", "disabled_at", "disabled_reason", "failing_since"),
        "previous_secret_expires_at",
    },
}
EVENT_TYPES = frozenset({"webhook_endpoint.disabled", "webhook_endpoint.test"})

_EMPTY = {"object": "list", "data": [], "has_more": False, "url": ""}


def official(body: Any) -> Any:
    """What of an answer the official types speak of."""
    match body:
        case {"object": kind} if kind in OBJECTS:
            return _EMPTY
        case {"object": "list", "data": [*items]}:
            known = [each for each in items if each.get("object") not in OBJECTS]
            return {**body, "data": [official(each) for each in known]}
        case {"object": "event", "type": type} if type in EVENT_TYPES:
            return {**body, "type": "account.updated"}
    return body
