"""API keys: what they look like, and what is kept of them.

    sk_test_gld 8wJ0…32 random characters…  1c9ZbA
    ╰─ kind, mode, brand                    ╰─ CRC-32 of everything before it

The check sum tells a mistyped or invented key before the database is asked. Only a keyed hash
of a key is stored: its 190 random bits need no slow hash, and without the pepper a copy of the
database lets nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from guilder_server.kernel.actor import ActorKind
from guilder_server.kernel.ids import base62, secret
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import AccountStatus

KeyKind: TypeAlias = Literal["secret", "publishable", "restricted"]
KeyStatus: TypeAlias = Literal["active", "expired", "revoked"]

RANDOM_LENGTH = 32
CHECK_LENGTH = 6
_PREFIXES: dict[KeyKind, str] = {"secret": "sk", "publishable": "pk", "restricted": "rk"}
_FORM = re.compile(r"(?:sk|rk|pk)_(?:live|test)_gld[0-9A-Za-z]{38}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as a request needs it: everything but the key. `permissions` narrow a restricted
    one, `allowed_addresses` each kind. `account_status` and `plan` are the account's and come
    with it, so that a request asks once."""

    id: str
    tenant: Tenant
    kind: KeyKind
    last4: str
    expires_at: datetime | None
    revoked_at: datetime | None
    permissions: tuple[str, ...] | None = None
    account_status: AccountStatus = "active"
    plan: str | None = None
    allowed_addresses: tuple[str, ...] = ()

    def shown(self) -> str:
        """The key as an error may show it."""
        mode = "live" if self.tenant.livemode else "test"
        return f"{_PREFIXES[self.kind]}_{mode}_****{self.last4}"

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept. `hash` stands for the key itself; `replaced_by` is the key that it was
    rolled to. A key without `allowed_addresses` is let in from everywhere, one whose creator is
    not known was made before that was written down."""

    id: str
    version: int
    created: datetime
    hash: bytes = field(repr=False)
    kind: KeyKind
    last4: str
    permissions: tuple[str, ...] | None
    name: str | None
    allowed_addresses: tuple[str, ...] = ()
    created_by_type: ActorKind | None = None
    created_by_id: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    replaced_by: str | None = None

    def status(self, now: datetime) -> KeyStatus:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    @property
    def grants(self) -> tuple[str, ...] | None:
        """The permissions that it has; None is all there are."""
        return (self.permissions or ()) if self.kind == "restricted" else None

    def lifetime(self) -> timedelta | None:
        """For how long it was made. Rolling shortens what is left of it."""
        return None if self.expires_at is None else self.expires_at - self.created


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as those who run the server know it, with whose it is."""

    key: ApiKey
    tenant: Tenant
    account_status: AccountStatus = "active"
    last_used_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def record(self) -> KeyRecord:
        """As a request would find it."""
        key = self.key
        return KeyRecord(
            key.id,
            self.tenant,
            key.kind,
            key.last4,
            key.expires_at,
            key.revoked_at,
            key.permissions,
            self.account_status,
            allowed_addresses=key.allowed_addresses,
        )


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as callers are shown it; `secret` is the key itself, in the one answer that has it."""

    key: ApiKey
    last_used_at: datetime | None = None
    secret: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return self.key.id


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, in clear for the only time."""

    token: str = field(repr=False)
    key: IssuedKey


def new_key(kind: KeyKind, livemode: bool) -> str:
    """A key that nobody has seen; to be shown once."""
    mode = "live" if livemode else "test"
    body = f"{_PREFIXES[kind]}_{mode}_gld{secret(RANDOM_LENGTH)}"
    return body + check_sum(body)


def check_sum(body: str) -> str:
    return base62(zlib.crc32(body.encode()), CHECK_LENGTH)


def well_formed(token: str) -> bool:
    """Whether this can be a key at all."""
    if not _FORM.fullmatch(token):
        return False
    body, check = token[:-CHECK_LENGTH], token[-CHECK_LENGTH:]
    return check_sum(body) == check


def looks_like_one(word: str) -> bool:
    """Whether this was meant as a key: one that is mistyped is nearly as secret."""
    return re.match(r"(?:sk|rk|pk)_(?:live|test)_", word) is not None


def livemode_of(token: str) -> bool:
    return token[3:7] == "live"


def kind_of(token: str) -> KeyKind:
    return next(kind for kind, prefix in _PREFIXES.items() if token.startswith(prefix))


def digest(pepper: bytes, token: str) -> bytes:
    """What is stored in place of the key."""
    return hmac.new(pepper, token.encode(), hashlib.sha256).digest()
