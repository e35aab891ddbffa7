"""Everybody who may call, and what the contract says that they are answered.

What each of them may do is taken from openapi.yaml: the permission of an operation, whether a
publishable key may ask for it, what a role holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import get_args

from guilder_server.people.domain.roles import Role
from guilder_server.tenancy.domain import keys
from tests.oauth.asking import registered
from tests.support.api import OPERATOR_KEY, ApiServer, document
from tests.support.contract import OPERATIONS, Operation
from tests.support.keys import add_key
from tests.support.people import begun_sessions
from tests.support.world import World


@dataclass(frozen=True)
class Verdict:
    """How an operation answers a caller; `names` is what a refusal must name."""

    status: int
    code: str | None = None
    names: str = ""


LET_IN = Verdict(200)
UNKNOWN = Verdict(401)
# {"alg":"ES256","typ":"at+jwt"} and no claims.
UNSIGNED = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30." + "A" * 86
FORGED = Verdict(401, "access_token_invalid")
EXPIRED = Verdict(401, "api_key_expired")


@dataclass(frozen=True)
class Caller:
    """`headers` are what they send to say who they are; `verdict` is what they are answered."""

    name: str
    headers: Mapping[str, str]
    verdict: Callable[[Operation], Verdict]


def permission_of(operation: Operation) -> str:
    spec = document()["paths"][operation.path][operation.method.lower()]
    return str(spec["x-permission"])


PERMISSIONS = sorted({permission_of(one) for one in OPERATIONS.values()})


def holds(permissions: Collection[str], needed: str) -> bool:
    """Whether these permissions hold what is needed: to write is to read as well."""
    noun, verb = needed.split(":")
    return needed in permissions or (verb == "read" and f"{noun}:write" in permissions)


def judged_by(permissions: Collection[str]) -> Callable[[Operation], Verdict]:
    def verdict(operation: Operation) -> Verdict:
        needed = permission_of(operation)
        return LET_IN if holds(permissions, needed) else Verdict(403, names=needed)

    return verdict


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class Crowd:
    """All who call on the account of a world."""

    def __init__(self, server: ApiServer, world: World) -> None:
        self._url, self._account = server.database_url, world.api.account
        self._api = world.api
        self._always = [
            *self._strangers(server),
            Caller("a publishable key", bearer(self._account.publishable_key), _as_a_browser),
            Caller("a secret key", bearer(self._account.secret_key), _as_an_account),
            self._restricted("a restricted key without a permission", []),
            Caller("the operator's key", bearer(OPERATOR_KEY), _as_the_operator),
            Caller("a token that nobody signed", bearer(UNSIGNED), lambda _: FORGED),
            *self._people(server),
        ]
        self._only = {
            one: self._restricted(f"a restricted key for {one} alone", [one]) for one in PERMISSIONS
        }
        self._lacking = {
            lacked: self._restricted(
                f"a restricted key without {lacked}",
                [one for one in PERMISSIONS if not holds([one], lacked)],
            )
            for lacked in PERMISSIONS
        }

        self._tokens = {one: self._token([one]) for one in PERMISSIONS}

    def callers_of(self, operation: Operation) -> list[Caller]:
        needed = permission_of(operation)
        if needed in self._only:
            return [
                *self._always,
                self._only[needed],
                self._lacking[needed],
                self._tokens[needed],
                self._tokens[_another(needed)],
            ]
        return self._always

    def _strangers(self, server: ApiServer) -> list[Caller]:
        tenant, past = self._account.tenant_id, datetime.now(UTC) - timedelta(seconds=1)
        invented = keys.new_key("secret", livemode=False)
        mistyped = invented[:-1] + ("A" if invented[-1] != "A" else "B")
        named = {
            "no key": {},
            "a key with a bad check sum": bearer(mistyped),
            "an invented key": bearer(invented),
            "a revoked key": bearer(add_key(self._url, tenant, revoked_at=past)),
            "a live key": bearer(server.open_account(livemode=True).secret_key),
        }
        expired = bearer(add_key(self._url, tenant, expires_at=past))
        return [
            *(Caller(name, headers, lambda _: UNKNOWN) for name, headers in named.items()),
            Caller("an expired key", expired, lambda _: EXPIRED),
        ]

    def _people(self, server: ApiServer) -> list[Caller]:
        headers = begun_sessions(self._url, server.url, self._account.account, get_args(Role))
        return [
            Caller(f"a person who is {role}", headers[role], judged_by(_of_role(role)))
            for role in get_args(Role)
        ]

    def _token(self, scopes: list[str]) -> Caller:
        token = registered(self._api, *scopes).token()
        return Caller(f"a token for {scopes}", bearer(token), judged_by(scopes))

    def _restricted(self, name: str, permissions: list[str]) -> Caller:
        key = add_key(self._url, self._account.tenant_id, "restricted", permissions=permissions)
        return Caller(name, bearer(key), judged_by(permissions))


def _another(permission: str) -> str:
    """One that does not hold it."""
    return next(one for one in PERMISSIONS if not holds([one], permission))


def _of_role(role: str) -> set[str]:
    patterns = document()["x-roles"][role]
    return {one for one in PERMISSIONS for pattern in patterns if fnmatchcase(one, pattern)}


def _as_the_operator(operation: Operation) -> Verdict:
    needed = permission_of(operation)
    return LET_IN if needed.startswith("operator:") else Verdict(403, names=needed)


def _as_a_browser(operation: Operation) -> Verdict:
    if permission_of(operation).startswith("operator:"):
        return Verdict(403, names=permission_of(operation))
    return LET_IN if operation.publishable else Verdict(403, "secret_key_required")


def _as_an_account(operation: Operation) -> Verdict:
    needed = permission_of(operation)
    return Verdict(403, names=needed) if needed.startswith("operator:") else LET_IN
