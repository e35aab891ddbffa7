"""What people need: of a database, of a provider, and of the arts of passwords and codes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import Holder, Identity, Member, User
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.domain.reset import Reset
from guilder_server.people.domain.session import Known, Session
from guilder_server.people.domain.state import State


class People(Protocol):
    """All that is kept of people, for as long as one transaction lasts."""

    async def account(self, id: str) -> Holder | None: ...

    async def user(self, id: str) -> User | None:
        """Nobody else changes them until the transaction has ended."""

    async def user_of_email(self, email: str) -> User | None: ...

    async def user_of_identity(self, identity: Identity) -> User | None: ...

    async def has_identity(self, user: str) -> bool: ...

    async def add_user(self, user: User) -> bool:
        """False if somebody has this email already."""

    async def change_user(self, user: User) -> None:
        """Store their name, password, codes and whether they may sign in."""

    async def take_step(self, user: str, step: int) -> bool:
        """Take a code's step for good. False if it, or a later one, was taken before."""

    async def add_identity(self, identity: Identity, user: str, now: datetime) -> bool:
        """False if it is somebody's already."""

    async def member(self, account: str, user: str) -> Member | None:
        """Nobody else changes them until the transaction has ended."""

    async def member_as_is(self, account: str, user: str) -> Member | None:
        """As `member`, but several may look at them at once, and none of them changes them."""

    async def members(self, account: str | None = None) -> Sequence[Member]:
        """Newest first; of all accounts unless one is named."""

    async def memberships(self, user: str) -> Sequence[Member]: ...

    async def owners(self, account: str) -> Sequence[str]:
        """Those who can sign in; none comes or goes until the transaction has ended."""

    async def put_member(self, member: Member) -> None:
        """Add them, or change their role. From then on both modes of the account are there."""

    async def remove_member(self, account: str, user: str) -> None: ...

    async def add_invitation(self, digest: bytes, invitation: Invitation) -> bool:
        """False if one for the same mailbox is open."""

    async def invitation(self, account: str, id: str) -> Invitation | None: ...

    async def invitation_of(self, digest: bytes) -> Invitation | None:
        """Nobody else takes it until the transaction has ended."""

    async def invitations(self, account: str) -> Sequence[Invitation]:
        """Newest first."""

    async def invitations_to(self, email: str) -> Sequence[Invitation]:
        """Those that nobody has taken, nor taken back, be they expired."""

    async def change_invitation(self, invitation: Invitation) -> None: ...

    async def program_lasts(self, account: str, id: str) -> bool:
        """Whether this is a key or an OAuth client of the account that is there for good, and let
        in from everywhere."""

    async def add_session(self, digest: bytes, session: Session) -> None: ...

    async def sessions(self, user: str, now: datetime) -> Sequence[Session]:
        """Those that have not ended by time or by hand, newest first."""

    async def end_sessions(
        self, user: str, now: datetime, only: str | None = None, but: str | None = None
    ) -> int:
        """Revoke all, or one of them, or all but one; how many there were to revoke."""

    async def add_recovery_codes(self, user: str, digests: Sequence[bytes]) -> None: ...

    async def take_recovery_code(self, user: str, digest: bytes) -> bool:
        """Take it for good. False if it is none of theirs, or was taken before."""

    async def count_recovery_codes(self, user: str) -> int:
        """How many are left."""

    async def forget_recovery_codes(self, user: str) -> None: ...

    async def put_reset(self, digest: bytes, reset: Reset) -> None:
        """In the place of the one that they had."""

    async def reset(self, digest: bytes) -> Reset | None: ...

    async def use_reset(self, user: str, now: datetime) -> None:
        """The link that they have, if any, is good no more."""

    async def add_state(self, digest: bytes, state: State) -> None: ...

    async def state(self, digest: bytes) -> State | None:
        """Nobody else uses it until the transaction has ended."""

    async def use_state(self, digest: bytes, user: str | None, now: datetime) -> None: ...

    async def count_attempt(self, subject: bytes, now: datetime, window: timedelta) -> int:
        """Which attempt within its window this one is, from 1."""

    async def forget_attempts(self, subject: bytes) -> None: ...

    async def claim(self, changes: Changes) -> None:
        """The idempotency key of a request. Raises KeyTaken: then nothing may be kept."""

    async def append(self, account: str, entry: AuditEntry) -> None: ...


class PeopleStore(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[People]:
        """What is done is kept if the context ends well, and else nothing of it."""

    async def session(self, digest: bytes) -> Known | None: ...

    async def note_seen(self, session: Session, now: datetime) -> None: ...

    async def prune(self, sessions_before: datetime, states_before: datetime) -> int:
        """Forget what had ended by then: sessions, sign-ins that were under way, and links to
        set a password with."""


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...

    async def matches(self, kept: str | None, password: str) -> bool:
        """Takes as long when there is no hash `kept` to compare with."""


class Codes(Protocol):
    """Six digits that change every thirty seconds (RFC 6238)."""

    def new_secret(self) -> str: ...

    def uri(self, secret: str, email: str) -> str:
        """What an authenticator reads."""

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """The step that the code is of, if that is this one or a neighbour of it."""


class Sealer(Protocol):
    def seal(self, secret: bytes, purpose: bytes) -> bytes: ...

    def open(self, sealed: bytes, purpose: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of whoever signs in, once it is known to have said so."""

    identity: Identity
    email: str | None
    email_verified: bool
    name: str | None


class TokenRefused(Exception):
    """What came in the provider's name is not believed. `identity` and `email` are what it
    claims, for those to hear of whom it concerns."""

    def __init__(
        self, reason: Reason, identity: Identity | None = None, email: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.identity, self.email = reason, identity, email


class Provider(Protocol):
    """An OpenID provider that people sign in with."""

    @property
    def name(self) -> str:
        """What people know it by."""

    @property
    def issuer(self) -> str: ...

    async def authorization_url(
        self, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Where a browser is sent. Raises Unavailable."""

    async def claims(
        self, code: str, redirect_uri: str, nonce: str, verifier: str, now: datetime
    ) -> Claims:
        """Raises TokenRefused and Unavailable."""


@dataclass(frozen=True, slots=True)
class Tools:
    """`public_url` is where browsers find this server; `idle` and `lifetime` end a session."""

    store: PeopleStore
    passwords: Passwords
    codes: Codes
    seals: Sealer
    provider: Provider | None
    pepper: bytes
    public_url: str
    idle: timedelta
    lifetime: timedelta
    ids: Ids
    clock: Clock
