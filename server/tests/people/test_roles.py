"""What a role may do is what the contract says, and wildcards never reach past the account."""

from __future__ import annotations

import pytest

from guilder_server.http.contract import Contract, ContractBroken
from guilder_server.http.roles import spelled_out
from guilder_server.kernel.errors import Forbidden, InvalidRequest
from guilder_server.people.domain.roles import ROLES, Standing, require_giving, role
from tests.support.api import document

DECLARED = {"a:read", "a:write", "b:read", "operator:read", "operator:write"}


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("*", {"a:read", "a:write", "b:read"}),
        ("*:read", {"a:read", "b:read"}),
        ("*:write", {"a:write"}),
        ("a:*", {"a:read", "a:write"}),
        ("b:read", {"b:read"}),
    ],
)
def test_a_pattern_stands_for_permissions(pattern: str, meant: set[str]) -> None:
    assert spelled_out({"some": [pattern]}, DECLARED) == ({"some": frozenset(meant)}, [])


@pytest.mark.parametrize("pattern", ["c:read", "b:write", "a", "", "a:", "c:*", "**", "a:read "])
def test_a_pattern_that_means_nothing_stops_the_start(pattern: str) -> None:
    assert spelled_out({"some": [pattern]}, DECLARED)[1] != []
    broken = document() | {"x-roles": {"owner": ["*"], "some": [pattern]}}
    with pytest.raises(ContractBroken, match="role some has"):
        Contract(broken)


def test_the_contract_has_exactly_the_roles_that_people_can_have() -> None:
    roles = Contract.load().roles
    assert set(roles) == set(ROLES)
    assert roles["owner"] == roles["admin"]
    for each in ROLES:
        assert roles[each] <= roles["owner"]
        assert not any(one.startswith("operator:") for one in roles[each])
        # Whoever has signed in can see and end their own sessions.
        assert {"sessions:read", "sessions:write"} <= roles[each]


def test_who_may_change_people_may_do_all_that_they_can_make_others() -> None:
    """Nobody becomes more than they are by way of somebody whom they made."""
    roles = Contract.load().roles
    for giver in ROLES:
        for given in ROLES:
            if "users:write" in roles[giver] or "invitations:write" in roles[giver]:
                assert roles[given] <= roles[giver]
            else:
                with pytest.raises(Forbidden):
                    require_giving(giver, given)


@pytest.mark.parametrize(
    ("standing", "never"),
    [
        ("operator", set()),
        ("owner", set()),
        ("admin", {"owner"}),
        ("key", {"owner", "admin", "developer"}),
    ],
)
def test_owners_are_made_by_owners(standing: Standing, never: set[str]) -> None:
    for each in ROLES:
        if each in never:
            with pytest.raises(Forbidden, match=each):
                require_giving(standing, each)
        else:
            require_giving(standing, each)


def test_a_role_that_does_not_exist_is_named_with_one_that_does() -> None:
    with pytest.raises(InvalidRequest, match="Did you mean developer"):
        role("Develper")
