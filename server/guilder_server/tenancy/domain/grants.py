"""Nobody grants more than they hold.

Whoever makes, rolls or changes a credential needs to hold all that it opens: its permissions, no
narrower a place from which it may be used, and no earlier an end. Taking a credential away needs
none of that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import unix
from guilder_server.kernel.errors import Forbidden
from guilder_server.tenancy.domain import addresses

# What only whoever runs the server may do; no credential of an account is ever given it.
_OPERATORS_NOUN = "operator"
_KEY = ("The provided key", "it")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who grants, with what they hold: no `permissions` means all of them, no
    `allowed_addresses` everywhere, no `ends` for good. A key may end; a person, or an OAuth client,
    does not, however soon their session or their token does."""

    actor: Actor
    permissions: frozenset[str] | None = None
    allowed_addresses: tuple[str, ...] = ()
    ends: datetime | None = None


def grantable(declared: Collection[str]) -> frozenset[str]:
    """Those of the contract's permissions that an account's credentials may have."""
    return frozenset(one for one in declared if one.partition(":")[0] != _OPERATORS_NOUN)


def require_all(holder: Holder, wanted: Collection[str] | None, declared: Collection[str]) -> None:
    """Refuse a wish for permissions that the holder lacks; None wishes for all there are."""
    if holder.permissions is None:
        return
    for one in sorted(grantable(declared) if wanted is None else wanted):
        if not held(holder.permissions, one):
            who, they = ("Your role", "you") if holder.actor.kind == "user" else _KEY
            raise Forbidden(
                f"{who} does not have the permission '{one}', so {they} cannot make, roll or "
                "change what has it."
            )


def require_within(holder: Holder, wanted: Sequence[str]) -> None:
    """Refuse a credential that could be used from more places than its maker's."""
    if not addresses.inside(wanted, holder.allowed_addresses):
        raise Forbidden(
            "The provided key is let in from certain addresses only, so it cannot make, roll or "
            "change a key that is let in from others."
        )


def require_until(holder: Holder, end: datetime | None, what: str, param: str | None) -> None:
    """Refuse what would end later than its maker, or, without an `end`, never. `what` begins the
    sentence that says so: `An OAuth client has no end`."""
    latest = holder.ends
    if latest is not None and (end is None or end > latest):
        raise Forbidden(
            f"{what}. The provided key ends at {shown_instant(latest)}, and nothing that it makes, "
            "rolls or changes may be good for longer. Whoever has no end may do this: a key that "
            "does not expire, an OAuth client or a person.",
            code="maker_expires",
            param=param,
        )


def shown_instant(instant: datetime) -> str:
    """As an error names it: to the second, and as the wire writes it."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ} ({unix(instant)})"


def held(permissions: Collection[str], wanted: str) -> bool:
    """Whether a permission is among these; write includes read."""
    if wanted in permissions:
        return True
    noun, _, verb = wanted.partition(":")
    return verb == "read" and f"{noun}:write" in permissions
