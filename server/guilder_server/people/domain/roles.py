"""What people are to an account. What each role may do, the contract says (`x-roles`)."""

from __future__ import annotations

import difflib
from typing import Literal, TypeAlias, get_args

from guilder_server.kernel.errors import Forbidden, InvalidRequest

Role: TypeAlias = Literal["owner", "admin", "developer", "finance", "support", "viewer"]
# Whom a request acts as that changes people: a role, whoever runs the server, or a key.
Standing: TypeAlias = Literal["operator", "key"] | Role

ROLES: tuple[Role, ...] = get_args(Role)

_GIVES: dict[Standing, frozenset[Role]] = {
    "operator": frozenset(ROLES),
    "owner": frozenset(ROLES),
    "admin": frozenset(ROLES) - {"owner"},
    # A key has no name behind it: it makes nobody who could make further keys at will.
    "key": frozenset(ROLES) - {"owner", "admin", "developer"},
}


def role(wanted: str) -> Role:
    if wanted in ROLES:
        return wanted
    near = difflib.get_close_matches(wanted.lower(), ROLES, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(ROLES)}."
    raise InvalidRequest("parameter_invalid", f"There is no role {wanted!r}. {hint}", "role")


def gives(standing: Standing, role: Role) -> bool:
    """May one who stands so make somebody this?"""
    return role in _GIVES.get(standing, frozenset())


def require_giving(standing: Standing, *concerned: Role) -> None:
    """May one who stands so make somebody this, or change somebody who is this?"""
    for each in concerned:
        if not gives(standing, each):
            who = "An API key" if standing == "key" else f"The role {standing}"
            raise Forbidden(
                f"{who} may not make, change or remove people with the role {each}. An owner of "
                "the account may."
            )
