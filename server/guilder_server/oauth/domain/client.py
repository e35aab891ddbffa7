"""A client: a program of an account that asks for tokens."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.actor import ActorKind
from guilder_server.kernel.copies import replace
from guilder_server.kernel.tenant import Tenant

NOUN = "OAuth client"
KIND = "oauth_client"

Authentication: TypeAlias = Literal["client_secret", "private_key_jwt", "tls_client_auth"]


@dataclass(frozen=True)
class Client:
    """`scopes` are the permissions that its tokens may have. It shows that it is itself by its
    `authentication`: with a secret, of which the hash is kept, by what one of the private keys of
    `public_keys` (PEM) has signed, or with a certificate of `certificate_identity`."""

    id: str
    version: int
    created: datetime
    name: str | None
    scopes: tuple[str, ...]
    authentication: Authentication
    created_by_type: ActorKind
    created_by_id: str
    public_keys: tuple[str, ...] = ()
    certificate_identity: str | None = None
    secret_hash: bytes | None = field(default=None, repr=False)
    secret_last4: str | None = None
    former_secret_hash: bytes | None = field(default=None, repr=False)
    former_secret_until: datetime | None = None
    deleted_at: datetime | None = None

    def takes_secret(self, digest: bytes, now: datetime) -> bool:
        """Whether this is the hash of its secret, or of the one before, while both are good."""
        good = [self.secret_hash]
        if self.former_secret_until is not None and now < self.former_secret_until:
            good.append(self.former_secret_hash)
        return any(one is not None and hmac.compare_digest(one, digest) for one in good)


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client with whose it is, as a request needs it."""

    client: Client
    tenant: Tenant
    account_status: Literal["active", "suspended", "closed"]
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class ShownClient:
    """A client as callers are shown it; `secret` only in the answer that makes it."""

    client: Client
    last_used_at: datetime | None = None
    secret: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return self.client.id


def rolled(client: Client, digest: bytes, last4: str, until: datetime, now: datetime) -> Client:
    """With a new secret, beside which the present one is good until `until`."""
    overlaps = until > now
    return replace(
        client,
        secret_hash=digest,
        secret_last4=last4,
        former_secret_hash=client.secret_hash if overlaps else None,
        former_secret_until=until if overlaps else None,
    )


def erased(client: Client, now: datetime) -> Client:
    """What is left once it is deleted: nothing that could authenticate anybody."""
    return replace(
        client,
        deleted_at=now,
        public_keys=(),
        certificate_identity=None,
        secret_hash=None,
        former_secret_hash=None,
        former_secret_until=None,
    )
