"""A link with which somebody sets a new password, whatever the old one was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from guilder_server.people.domain.person import User

LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reset:
    """A person has one at most."""

    user_id: str
    created: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def good(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class NewReset:
    """One that was just made, with its link, for the only time."""

    user: User
    expires_at: datetime
    url: str = field(repr=False)
