"""Making keys, rolling them and taking them back: the rules, for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.tenancy.domain import keys, wishes
from guilder_server.tenancy.domain.keys import ApiKey, KeyKind

NOUN = "API key"


@dataclass(frozen=True, slots=True)
class Wish:
    """A key that somebody wants, as it may be had."""

    kind: KeyKind
    permissions: tuple[str, ...] | None = None
    name: str | None = None
    allowed_addresses: tuple[str, ...] = ()
    expires_at: datetime | None = None


def issued(
    id: str, token: str, pepper: bytes, wish: Wish, actor: Actor | None, now: datetime
) -> ApiKey:
    """The record of a key in clear."""
    return ApiKey(
        id=id,
        version=1,
        created=now,
        hash=keys.digest(pepper, token),
        kind=wish.kind,
        last4=token[-4:],
        permissions=wish.permissions,
        name=wish.name,
        allowed_addresses=wish.allowed_addresses,
        created_by_type=actor.kind if actor else None,
        created_by_id=actor.id if actor else None,
        expires_at=wish.expires_at,
    )


def again(old: ApiKey, now: datetime, latest: datetime | None = None) -> Wish:
    """The key that takes the place of one that is rolled: it lives as long as that was made for,
    and no longer than whoever rolls it, who ends at `latest`. So a key that expires can roll
    itself, and the chain that it begins ends when it would have.

    A key is rolled once: whoever has lost the new key rolls that one.
    """
    require_active(old, now)
    if old.replaced_by is not None:
        raise Refused(
            "status_transition_invalid",
            f"The API key {old.id} was rolled already, to {old.replaced_by}: roll that one.",
        )
    ends = wishes.end(now, old.lifetime())
    if latest is not None:
        ends = latest if ends is None else min(ends, latest)
    return Wish(old.kind, old.permissions, old.name, old.allowed_addresses, ends)


def ending(old: ApiKey, replaced_by: str, overlap: timedelta, now: datetime) -> ApiKey:
    """One that was rolled: it ends after the overlap, and never later than it would have."""
    ends = now + wishes.overlap(overlap)
    if old.expires_at is not None:
        ends = min(ends, old.expires_at)
    return replace(old, expires_at=ends, replaced_by=replaced_by)


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    """For good. A key that is revoked already stays revoked since then."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def require_active(key: ApiKey, now: datetime) -> None:
    status = key.status(now)
    if status != "active":
        raise Refused("status_transition_invalid", f"The API key {key.id} is {status} already.")


def require_id(word: str) -> None:
    """A key in clear in the place of an id must not be repeated in an error."""
    if keys.looks_like_one(word):
        raise InvalidRequest(
            "parameter_invalid", "Name a key by its id, key_…, and not by the key itself.", "id"
        )
