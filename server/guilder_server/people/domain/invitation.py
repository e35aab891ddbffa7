"""An invitation: a link that makes whoever has the mailbox a member of an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from guilder_server.people.domain.roles import Role

InvitationStatus: TypeAlias = Literal["open", "accepted", "revoked", "expired"]

NOUN = "invitation"
LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """`invited_by` is a person, a key or an OAuth client; None is whoever runs the server."""

    id: str
    account: str
    created: datetime
    email: str
    role: Role
    expires_at: datetime
    invited_by: str | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    revoked_at: datetime | None = None

    def status(self, now: datetime) -> InvitationStatus:
        if self.accepted_at is not None:
            return "accepted"
        # One that had ended by itself is put away when the next one is made.
        if self.revoked_at is not None and self.revoked_at < self.expires_at:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Seen:
    """An invitation as it is at one moment; `url` only in the answer that makes it. One that is not
    `backed` is open, but its maker could not make it now."""

    invitation: Invitation
    now: datetime
    url: str | None = field(default=None, repr=False)
    backed: bool = True

    @property
    def status(self) -> InvitationStatus:
        return self.invitation.status(self.now) if self.backed else "revoked"
