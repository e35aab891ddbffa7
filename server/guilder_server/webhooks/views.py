"""Webhooks as the wire shows them."""

from __future__ import annotations

from datetime import datetime

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.domain.delivery import Attempt, Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.domain.revealed import Revealed


def view_endpoint(endpoint: Endpoint, tenant: Tenant) -> wire.WebhookEndpoint:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": None,
        "connect": endpoint.connect,
        "created": unix(endpoint.created),
        "description": endpoint.description,
        "disabled_at": _maybe(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "enabled_events": endpoint.enabled_events,
        "failing_since": _maybe(endpoint.failing_since),
        "livemode": tenant.livemode,
        "metadata": endpoint.metadata,
        "previous_secret_expires_at": _maybe(endpoint.former_secret_until),
        "status": "enabled" if endpoint.enabled else "disabled",
        "url": endpoint.url,
    }


def view_revealed(revealed: Revealed, tenant: Tenant) -> wire.WebhookEndpoint:
    return {**view_endpoint(revealed.endpoint, tenant), "secret": revealed.secret}


def view_delivery(delivery: Delivery, tenant: Tenant) -> wire.WebhookDelivery:
    return {
        "id": delivery.id,
        "object": "webhook_delivery",
        "attempts": [_attempt(one) for one in delivery.attempts],
        "created": unix(delivery.created),
        "event": delivery.event_id,
        "event_type": delivery.event_type,
        "livemode": tenant.livemode,
        "next_attempt": _maybe(delivery.next_attempt_at),
        "status": delivery.status,
        "webhook_endpoint": delivery.endpoint_id,
    }


def view_replay(replay: Replay, tenant: Tenant) -> wire.WebhookReplay:
    return {
        "id": replay.id,
        "object": "webhook_replay",
        "created": unix(replay.created),
        "events": replay.events,
        "livemode": tenant.livemode,
        "only_failed": replay.only_failed,
        "since": unix(replay.since),
        "status": replay.status,
        "until": unix(replay.until),
        "webhook_endpoint": replay.endpoint_id,
    }


def _attempt(attempt: Attempt) -> wire.WebhookDeliveryAttempt:
    return {
        "attempted_at": attempt.attempted_at,
        "latency_ms": attempt.latency_ms,
        "response_excerpt": attempt.response_excerpt,
        "status_code": attempt.status_code,
        "trouble": attempt.trouble,
    }


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else unix(instant)
