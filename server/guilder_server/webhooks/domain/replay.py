"""A replay: the events of a stretch of time, put on their way to one endpoint again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.schedule import JITTER, LIVE

NOUN = "webhook replay"

Status = Literal["pending", "completed", "canceled"]

# A commit may take so long: what happened before then is there for whoever looks.
SETTLED_AFTER = timedelta(seconds=2)
# How long an event may wait for an endpoint.
_LONGEST_WAIT = sum(LIVE, timedelta()) * (1 + JITTER)


@dataclass(frozen=True)
class Replay:
    """`events` have been put on their way so far, the last of which was `cursor`."""

    id: str
    version: int
    created: datetime
    endpoint_id: str
    since: datetime
    until: datetime
    only_failed: bool
    status: Status = "pending"
    events: int = 0
    cursor: str | None = None


def missed(endpoint: Endpoint, ids: tuple[str, str], now: datetime) -> list[Replay]:
    """What a disabled endpoint is sent when it is enabled again: what it was sent and did not
    take, or was waiting for it when it was disabled; and what happened since. That reaches a
    little further to both sides, as a commit under way may have found the endpoint otherwise."""
    assert endpoint.disabled_at is not None
    waiting_since = (endpoint.failing_since or endpoint.disabled_at) - _LONGEST_WAIT
    since, until = endpoint.disabled_at - SETTLED_AFTER, now + SETTLED_AFTER
    return [
        Replay(ids[0], 1, now, endpoint.id, waiting_since, now, only_failed=True),
        Replay(ids[1], 1, now, endpoint.id, since, until, only_failed=False),
    ]
