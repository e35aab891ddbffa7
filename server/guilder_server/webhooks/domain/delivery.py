"""A delivery: one event on its way to one endpoint, with every attempt to get it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from guilder_server.kernel.copies import replace
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.domain.schedule import pause_after

NOUN = "webhook delivery"
PREFIX = "whd"

Status = Literal["pending", "delivered", "failed", "canceled"]

# Attempts that are kept; older ones make room, as a person may ask for any number.
ATTEMPTS_KEPT = 25
_TAIL = 8


@dataclass(frozen=True)
class Attempt:
    """`attempted_at` is in Unix seconds, as the log shows it."""

    attempted_at: int
    latency_ms: int
    status_code: int | None
    trouble: str | None
    response_excerpt: str


@dataclass(frozen=True)
class Delivery:
    """`created` is when the event happened. `tries` counts the attempts since it was last put on
    its way; `next_attempt_at` is None when there will be none."""

    id: str
    version: int
    created: datetime
    event_id: str
    event_type: str
    endpoint_id: str
    status: Status
    tries: int
    next_attempt_at: datetime | None
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt makes of its delivery."""

    status: Status
    tries: int
    next_attempt_at: datetime | None
    attempt: Attempt | None


def delivery_id(event_id: str, endpoint_id: str) -> str:
    """An event goes to an endpoint once, so the two name the delivery, and deliveries sort by
    their events. The end of an endpoint's id is random: 48 bits tell a few of them apart."""
    return f"{PREFIX}_{event_id.partition('_')[2]}{endpoint_id[-_TAIL:]}"


def of_event(event_id: str) -> tuple[str, str]:
    """The bounds between which the ids of an event's deliveries lie."""
    start = f"{PREFIX}_{event_id.partition('_')[2]}"
    return start, start + "~"


def first(
    event_id: str, event_type: str, happened: datetime, endpoint_id: str, now: datetime
) -> Delivery:
    """An event that is put on its way to an endpoint, due at once."""
    id = delivery_id(event_id, endpoint_id)
    return Delivery(id, 1, happened, event_id, event_type, endpoint_id, "pending", 0, now)


def again(delivery: Delivery, now: datetime) -> Delivery:
    """Put on its way once more, whatever became of it before."""
    return replace(delivery, status="pending", tries=0, next_attempt_at=now)


def unsendable(tries: int) -> Outcome:
    """There is nothing left to send: the event is not kept any more."""
    return Outcome("canceled", tries, None, None)


def outcome(tries: int, reply: Reply, now: datetime, *, livemode: bool, chance: float) -> Outcome:
    """What this reply to the attempt after `tries` others means. `chance` is a random number
    from 0 to 1, which spreads the next attempt."""
    attempt = Attempt(
        int(now.timestamp()), reply.latency_ms, reply.status, reply.trouble, reply.excerpt
    )
    if reply.success:
        return Outcome("delivered", tries + 1, None, attempt)
    # Who says that it is gone is not asked again.
    pause = None if reply.gone else pause_after(tries + 1, livemode=livemode, chance=chance)
    if pause is None:
        return Outcome("failed", tries + 1, None, attempt)
    return Outcome("pending", tries + 1, now + pause, attempt)
