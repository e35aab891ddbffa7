"""A person, and their place in an account."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.domain.roles import Role

LONGEST_EMAIL = 254
LONGEST_NAME = 200
_EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+")


@dataclass(frozen=True, slots=True)
class User:
    """`password` is an Argon2id hash, `totp` the sealed secret of their codes, `totp_step` the
    last step of thirty seconds of which a code was taken."""

    id: str
    created: datetime
    email: str
    name: str | None = None
    password: str | None = field(default=None, repr=False)
    totp: bytes | None = field(default=None, repr=False)
    totp_step: int | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """An account, as far as people are concerned. One that is closed takes nobody in."""

    id: str
    name: str | None
    closed: bool

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class Member:
    """A person in one account. `account_name` is what people call it, if anything."""

    account: str
    role: Role
    since: datetime
    user: User
    account_name: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider knows a person by; `subject` never changes there, an email may."""

    issuer: str
    subject: str


def email(wanted: str, param: str = "email") -> str:
    """As it is kept and compared: one spelling for each mailbox that anybody uses."""
    as_written = wanted.strip()
    given = as_written.lower()
    # Some letters of other scripts become ones of ASCII, and the email somebody else's.
    disguised = any(not each.isascii() and each.lower().isascii() for each in as_written)
    if (
        disguised
        or len(given) > LONGEST_EMAIL
        or not given.isprintable()
        or not _EMAIL.fullmatch(given)
    ):
        raise InvalidRequest("email_invalid", "This is no email address.", param)
    return given


def name(wanted: str | None) -> str | None:
    given = " ".join((wanted or "").split())
    if len(given) > LONGEST_NAME or not given.isprintable():
        raise InvalidRequest(
            "parameter_invalid", f"A name is one line of {LONGEST_NAME} characters at most.", "name"
        )
    return given or None
