"""What the contract lets each role do: `x-roles`, spelled out into permissions.

A pattern is a permission, `noun:*`, `*:read` or `*`. Whoever runs the server is no role of an
account: no wildcard reaches what is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

_BEYOND_ACCOUNTS = frozenset({"operator"})


def spelled_out(
    roles: Mapping[str, Sequence[str]], declared: Collection[str]
) -> tuple[dict[str, frozenset[str]], list[str]]:
    """The permissions of each role, and what is wrong with the patterns."""
    problems = [
        f"role {role} has {pattern}, which no operation needs"
        for role, patterns in roles.items()
        for pattern in patterns
        if not _meant(pattern, declared)
    ]
    found = {
        role: frozenset(one for pattern in patterns for one in _meant(pattern, declared))
        for role, patterns in roles.items()
    }
    return found, problems


def _meant(pattern: str, declared: Collection[str]) -> frozenset[str]:
    noun, _, verb = pattern.partition(":")
    return frozenset(
        one
        for one in declared
        if (noun == "*" and one.partition(":")[0] not in _BEYOND_ACCOUNTS)
        or noun == one.partition(":")[0]
        if verb in ("", "*", one.partition(":")[2])
        if verb or pattern == "*"
    )
