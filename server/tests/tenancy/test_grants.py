"""Nobody grants more than they hold: as properties."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.http.auth import permitted
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.errors import Forbidden
from guilder_server.tenancy.domain import addresses, grants
from guilder_server.tenancy.domain.grants import Holder

ACTOR = Actor("api_key", "key_1")
DECLARED = frozenset(f"{noun}:{verb}" for noun in "abcd" for verb in ("read", "write"))
permissions = st.frozensets(st.sampled_from(sorted(DECLARED)))
networks = st.lists(
    st.one_of(
        st.builds(
            lambda address, bits: str(ipaddress.ip_network((address, bits), strict=False)),
            st.ip_addresses(v=4),
            st.integers(0, 32),
        ),
        st.ip_addresses(v=6).filter(lambda one: one.ipv4_mapped is None).map(str),
    ),
    max_size=4,
)


def granted(holder: Holder, wanted: frozenset[str] | None) -> bool:
    try:
        grants.require_all(holder, wanted, DECLARED)
    except Forbidden:
        return False
    return True


@given(held=permissions, wanted=permissions)
def test_what_is_granted_opens_nothing_that_its_maker_could_not(
    held: frozenset[str], wanted: frozenset[str]
) -> None:
    opens = {one for one in DECLARED if permitted(wanted, one)}
    may = {one for one in DECLARED if permitted(held, one)}
    assert granted(Holder(ACTOR, held), wanted) == (opens <= may)


@given(held=permissions)
def test_everything_is_granted_by_whoever_holds_everything(held: frozenset[str]) -> None:
    everything = all(permitted(held, one) for one in DECLARED)
    assert granted(Holder(ACTOR, held), None) == everything
    assert granted(Holder(ACTOR), None)


def test_what_only_the_operator_may_is_nobodys_to_grant() -> None:
    assert grants.grantable({"operator:write", "a:read"}) == {"a:read"}


@given(inner=networks, outer=networks, seen=st.ip_addresses())
def test_whoever_is_in_the_narrower_list_is_in_the_wider_one(
    inner: list[str], outer: list[str], seen: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    def let_in(listed: tuple[str, ...]) -> bool:
        return not listed or any(seen in ipaddress.ip_network(one) for one in listed)

    kept, around = addresses.allowed(inner), addresses.allowed(outer)
    if addresses.inside(kept, around) and let_in(kept):
        assert let_in(around)


@pytest.mark.parametrize("given_", ["10.0.0.0/8", "::/0", "192.0.2.1"])
def test_an_allow_list_is_inside_itself_and_everywhere(given_: str) -> None:
    kept = addresses.allowed([given_])
    assert addresses.inside(kept, kept)
    assert addresses.inside(kept, ())
    assert not addresses.inside((), kept)
