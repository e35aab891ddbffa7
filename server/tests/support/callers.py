"""Everybody who may call, and what the contract says that they are answered.

What each of them may do is taken from openapi.yaml: the permission of an operation, whether a
publishable key may ask for it, what a role holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from guilder_server.tenancy.domain import keys
from tests.support.api import ApiServer, document
from tests.support.contract import OPERATIONS, Operation
from tests.support.keys import add_key
from tests.support.world import World


@dataclass(frozen=True)
class Verdict:
    """How an operation answers a caller; `names` is what a refusal must name."""

    status: int
    code: str | None = None
    names: str = ""


LET_IN = Verdict(200)
UNKNOWN = Verdict(401)
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
        self._always = [
            *self._strangers(server),
            Caller("a publishable key", bearer(self._account.publishable_key), _as_a_browser),
            Caller("a secret key", bearer(self._account.secret_key), lambda _: LET_IN),
            self._restricted("a restricted key without a permission", []),
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

    def callers_of(self, operation: Operation) -> list[Caller]:
        needed = permission_of(operation)
        return [*self._always, self._only[needed], self._lacking[needed]]

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

    def _restricted(self, name: str, permissions: list[str]) -> Caller:
        key = add_key(self._url, self._account.tenant_id, "restricted", permissions=permissions)
        return Caller(name, bearer(key), judged_by(permissions))


def _as_a_browser(operation: Operation) -> Verdict:
    return LET_IN if operation.publishable else Verdict(403, "secret_key_required")
