"""A webhook endpoint: where the events of an account are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from guilder_server.kernel.copies import replace

NOUN = "webhook endpoint"
KIND = "webhook_endpoint"
EVERYTHING = "*"
# Sent to the endpoint that it is about, and to no other.
TEST = "webhook_endpoint.test"

DisabledReason = Literal["requested", "gone", "failing"]

# An endpoint that has taken nothing for so long is not tried any more.
PATIENCE = timedelta(days=5)


@dataclass(frozen=True)
class Endpoint:
    """`secret` and `former_secret` are sealed; both sign until `former_secret_until`.

    `slot` is its place among the endpoints that an account may have, None once it is deleted:
    no two can take the same one, so that a limit holds also for requests that race.
    """

    id: str
    version: int
    created: datetime
    url: str
    enabled_events: list[str]
    description: str | None
    metadata: dict[str, str]
    api_version: str | None
    connect: bool
    secret: bytes
    slot: int | None
    former_secret: bytes | None = None
    former_secret_until: datetime | None = None
    disabled_reason: DisabledReason | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None and not self.deleted

    @property
    def deleted(self) -> bool:
        return self.slot is None

    def secrets(self, now: datetime) -> list[bytes]:
        """What signs at `now`, sealed, the current one first."""
        if self.former_secret is None or self.former_secret_until is None:
            return [self.secret]
        return [self.secret, self.former_secret][: 2 if now < self.former_secret_until else 1]

    def wants(self, event_type: str) -> bool:
        """Whether events of this type of the account itself are sent there."""
        if self.connect or not self.enabled or event_type == TEST:
            return False
        return EVERYTHING in self.enabled_events or event_type in self.enabled_events


def disabled(endpoint: Endpoint, reason: DisabledReason, now: datetime) -> Endpoint:
    return replace(endpoint, disabled_reason=reason, disabled_at=now)


def enabled(endpoint: Endpoint) -> Endpoint:
    """What went wrong before is forgotten."""
    return replace(endpoint, disabled_reason=None, disabled_at=None, failing_since=None)


def erased(endpoint: Endpoint) -> Endpoint:
    """What is left once it is deleted; nobody can sign in its name any more."""
    return replace(endpoint, slot=None, secret=b"", former_secret=None, former_secret_until=None)


def rolled(endpoint: Endpoint, secret: bytes, until: datetime, now: datetime) -> Endpoint:
    """With a new secret, beside which the present one signs until `until`."""
    overlaps = until > now
    return replace(
        endpoint,
        secret=secret,
        former_secret=endpoint.secret if overlaps else None,
        former_secret_until=until if overlaps else None,
    )


def failed(endpoint: Endpoint, now: datetime, *, gone: bool) -> Endpoint | None:
    """What an attempt that was not taken makes of it; None if nothing."""
    if not endpoint.enabled:
        return None
    if gone:
        return disabled(endpoint, "gone", now)
    if endpoint.failing_since is None:
        return replace(endpoint, failing_since=now)
    if now - endpoint.failing_since >= PATIENCE:
        return disabled(endpoint, "failing", now)
    return None


def recovered(endpoint: Endpoint) -> Endpoint | None:
    """What an attempt that was taken makes of it; None if nothing."""
    return replace(endpoint, failing_since=None) if endpoint.failing_since is not None else None
