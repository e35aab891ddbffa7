"""Who calls, and whether they may.

The key stands for an account in one mode. What a key is, and where keys are kept, is for the
keyring to know.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from guilder_server.http.operation import Operation
from guilder_server.http.origin import Network, parse
from guilder_server.kernel.actor import ActorKind
from guilder_server.kernel.errors import Forbidden, InvalidRequest, Unauthenticated
from guilder_server.kernel.tenant import Tenant

_MISSING = (
    "There is no API key in this request. Send it as a bearer token "
    "(Authorization: Bearer YOUR_SECRET_KEY), or as the user name of basic authentication "
    "with an empty password."
)
# What is safe to repeat of a key: the words that say its kind, never its random part.
_KIND = re.compile(r"(?:sk|rk|pk)_(?:live|test)_")
# A version may carry the previews that a client asks for, `; feature=v1`.
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z][a-z0-9_-]*)?(; ?[a-z0-9_]+=[a-z0-9_.]+)*")


@dataclass(frozen=True, slots=True)
class Credential:
    """Something that was found good: the tenant it acts for and what it may do.

    `id` is a key's, a client's or a person's; `permissions` are those of what is restricted, such
    as `charges:read`; None means all.
    """

    tenant: Tenant
    kind: Literal["secret", "publishable", "restricted", "oauth_client", "user", "operator"]
    id: str
    permissions: frozenset[str] | None = None
    # The session through which a person asks.
    session: str | None = None
    # What the account is on; None is the default one.
    plan: str | None = None
    # From where it may be used; none is everywhere.
    networks: tuple[Network, ...] = ()
    # When a key ends; what is made with it may not last longer.
    ends: datetime | None = None

    @property
    def actor_kind(self) -> ActorKind:
        if self.kind in ("oauth_client", "user", "operator"):
            return self.kind
        return "api_key"


class Keyring(Protocol):
    async def find(self, token: str) -> Credential | None:
        """The credential of a key. None for a key that does not exist or was revoked; may raise
        Unauthenticated or Forbidden to say more."""


async def authenticate(authorization: str | None, keyring: Keyring) -> Credential:
    token = token_of(authorization)
    credential = await keyring.find(token)
    if credential is None:
        raise Unauthenticated(f"There is no such API key: {masked(token)}")
    return credential


def check_address(credential: Credential, address: str | None) -> None:
    """May it be used from there? What would be allowed is not for whoever found a key to know."""
    if not credential.networks:
        return
    seen = parse(address)
    if seen is None or not any(seen in network for network in credential.networks):
        raise Forbidden(
            "This API key may not be used from the address that this request comes from.",
            code="address_not_allowed",
        )


def token_of(authorization: str | None) -> str:
    """The key in an Authorization header."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return rest
    if scheme.lower() == "basic" and rest:
        token = _user_name(rest)
        if token:
            return token
    raise Unauthenticated(_MISSING)


def _user_name(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def masked(token: str) -> str:
    """A key as an error may show it."""
    found = _KIND.match(token)
    shown = found.group() if found else ""
    last = token[-4:] if len(token) - len(shown) >= 16 and token.isascii() else ""
    return f"{shown}****{last}"


def authorize(credential: Credential, operation: Operation, account: str | None) -> None:
    """May this key call this operation, for the account that `Stripe-Account` names?"""
    _keep_apart(credential, operation)
    if credential.kind == "publishable" and not operation.publishable:
        raise Forbidden(
            "A publishable key may not ask for this. Use a secret key, on your server.",
            code="secret_key_required",
        )
    if not permitted(credential.permissions, operation.permission):
        who = "Your role" if credential.kind == "user" else "The provided key"
        raise Forbidden(
            f"{who} does not have the permission '{operation.permission}', "
            f"which this request needs."
        )
    # A platform acting for its connected accounts will be decided here.
    if account is not None and account != credential.tenant.account:
        raise Forbidden(
            f"The provided key does not have access to account '{account[:64]}', "
            "or that account does not exist. Leave out Stripe-Account to act for the key's own "
            "account.",
            code="account_invalid",
        )


def of_operator(permission: str) -> bool:
    """Whether it is for whoever runs the server, and for nobody else."""
    return permission.startswith("operator:")


def _keep_apart(credential: Credential, operation: Operation) -> None:
    """The operator has no account, and no account is the operator."""
    if of_operator(operation.permission) == (credential.kind == "operator"):
        return
    if credential.kind == "operator":
        raise Forbidden(
            f"The operator's key does not have the permission '{operation.permission}', which "
            "this request needs: it is for /v1/operator alone. Use a key of the account."
        )
    raise Forbidden(
        f"The provided key does not have the permission '{operation.permission}', which this "
        "request needs: only the operator's key lets in, the one that GUILDER_OPERATOR_KEY "
        "sets on the server; where it is not set, nobody is."
    )


def permitted(permissions: frozenset[str] | None, needed: str) -> bool:
    """Whether it is among them, of which None are all; write includes read."""
    if permissions is None or needed in permissions:
        return True
    noun, _, verb = needed.partition(":")
    return verb == "read" and f"{noun}:write" in permissions


def require_seen(credential: Credential, needed: Collection[str]) -> None:
    """May it see what it wants expanded? Raises Forbidden."""
    for one in sorted(needed):
        if not permitted(credential.permissions, one):
            who = "Your role" if credential.kind == "user" else "The provided key"
            raise Forbidden(
                f"{who} does not have the permission '{one}', which what `expand` names needs."
            )


def check_version(version: str | None) -> None:
    """Any version is welcome and answered in ours; a word that is no version is a mistake."""
    if version is not None and not _VERSION.fullmatch(version):
        raise InvalidRequest(
            "parameter_invalid",
            "Invalid Stripe-Version: it must be a date, perhaps with a release name, such as "
            "2026-10-28.endive.",
        )
