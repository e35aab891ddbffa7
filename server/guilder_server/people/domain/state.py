"""A sign-in that is under way: what must be known again when the person comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

StateKind: TypeAlias = Literal["provider", "code", "enrolment"]

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class State:
    """`browser` is the digest of what the browser was given; `sealed` what the next step needs.
    `user_id` is who it turned out to be, or who has passed the first step."""

    kind: StateKind
    browser: bytes
    sealed: bytes = field(repr=False)
    created: datetime
    expires_at: datetime
    used_at: datetime | None = None
    user_id: str | None = None
    invitation_id: str | None = None
    account_id: str | None = None
