"""A session: what a browser holds once a person has signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from guilder_server.people.domain.person import Member, User

# What a person was known by.
Factor: TypeAlias = Literal["provider", "password_and_code", "password_and_recovery_code"]

NOUN = "session"
# Less often than this nobody needs to know that a session is in use.
NOTED_EVERY = timedelta(seconds=60)
LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Session:
    """`expires_at` is its end however much it is used; `idle` what it outlives unused."""

    id: str
    user_id: str
    created: datetime
    last_seen: datetime
    expires_at: datetime
    factor: Factor
    address: str | None = None
    user_agent: str | None = None
    revoked_at: datetime | None = None

    def lasts(self, now: datetime, idle: timedelta) -> bool:
        return self.revoked_at is None and now < min(self.expires_at, self.last_seen + idle)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just made, with its token, for the only time; and with the recovery
    codes, if somebody was given some."""

    token: str = field(repr=False)
    session: Session
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A membership as a request needs it: with the tenants of the account, and what it
    is on; None is the default plan."""

    account: str
    role: str
    status: str
    test: int
    live: int
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A session as a request needs it: with its person and where they are a member."""

    session: Session
    user: User
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session as its person sees it; `csrf_token` only of the one that asks. `recovery_codes`
    is how many they have left, if they sign in with a password."""

    session: Session
    user: User
    current: bool
    memberships: tuple[Member, ...] = ()
    csrf_token: str | None = field(default=None, repr=False)
    recovery_codes: int | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that nobody has signed in with yet: what it was given to be known again by."""

    browser: str = field(repr=False)
    address: str | None = None
    user_agent: str | None = None
