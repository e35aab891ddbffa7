"""Who calls, and whether they may."""

from __future__ import annotations

import base64

import pytest

from guilder_server.http import auth
from guilder_server.http.auth import Credential
from guilder_server.http.origin import networks
from guilder_server.kernel.errors import Forbidden, InvalidRequest, Unauthenticated
from tests.http.small import CONTRACT, TENANT, Keys

CREATE = CONTRACT.operations["create_payment"]
LIST = CONTRACT.operations["list_payments"]
UPDATE = CONTRACT.operations["update_customer"]
SECRET = "sk_test_gld0123456789ABCDEFGHIJabcdefghijXYxyz9"

pytestmark = pytest.mark.anyio


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer sk_1", "sk_1"),
        ("bearer   sk_1 ", "sk_1"),
        (basic("sk_1:"), "sk_1"),
        (basic("sk_1"), "sk_1"),
        (basic("sk_1:anything"), "sk_1"),
        (basic("sk_1:").replace("Basic", "BASIC"), "sk_1"),
    ],
)
def test_a_key_comes_as_bearer_or_as_user_name(header: str, token: str) -> None:
    assert auth.token_of(header) == token


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic !!!", "Basic", basic(":x"), "sk_1", "Digest x"]
)
def test_a_missing_key_is_told_how_to_send_one(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match="There is no API key in this request"):
        auth.token_of(header)


async def test_an_unknown_key_is_named_without_its_secret() -> None:
    with pytest.raises(Unauthenticated) as refused:
        await auth.authenticate(f"Bearer {SECRET}", Keys())
    assert refused.value.message == "There is no such API key: sk_test_****xyz9"


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (SECRET, "sk_test_****xyz9"),
        ("hunter2", "****"),
        ("a-longer-password-than-that", "****that"),
        ("sk_test_short", "sk_test_****"),
        ("é" * 30, "****"),
    ],
)
def test_a_key_is_masked(token: str, shown: str) -> None:
    assert auth.masked(token) == shown


async def test_a_publishable_key_may_do_what_a_browser_may() -> None:
    key = await auth.authenticate("Bearer pk_test_one", Keys())
    auth.authorize(key, CREATE, None)
    with pytest.raises(Forbidden) as refused:
        auth.authorize(key, LIST, None)
    assert refused.value.code == "secret_key_required"


async def test_a_restricted_key_may_do_what_it_was_given() -> None:
    key = await auth.authenticate("Bearer rk_test_one", Keys())
    auth.authorize(key, LIST, None)
    with pytest.raises(Forbidden, match="payments:write"):
        auth.authorize(key, UPDATE, None)
    writer = auth.Credential(TENANT, "restricted", "k", frozenset({"payments:write"}))
    auth.authorize(writer, LIST, None)


async def test_a_key_acts_for_its_own_account_only() -> None:
    key = await auth.authenticate("Bearer sk_test_one", Keys())
    auth.authorize(key, CREATE, "acct_one")
    with pytest.raises(Forbidden, match="does not have access to account 'acct_two'"):
        auth.authorize(key, CREATE, "acct_two")


@pytest.mark.parametrize(
    "version", [None, "2026-10-28.endive", "2020-08-27", "2025-03-31.basil; feature_beta=v3"]
)
def test_any_version_is_welcome(version: str | None) -> None:
    auth.check_version(version)


@pytest.mark.parametrize("version", ["", "latest", "2026-10", "2026-10-28.", "2026-10-28 x"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(InvalidRequest, match="Stripe-Version"):
        auth.check_version(version)


def test_a_key_with_networks_is_refused_where_the_address_is_not_known() -> None:
    bound = Credential(
        TENANT, "secret", "key_1", networks=networks("203.0.113.0/24, 2001:db8::/32")
    )
    for seen in ("203.0.113.9", "2001:db8::1", "::ffff:203.0.113.9"):
        auth.check_address(bound, seen)
    for elsewhere in (None, "", "unix", "203.0.114.9", "2001:db9::1"):
        with pytest.raises(Forbidden) as caught:
            auth.check_address(bound, elsewhere)
        assert caught.value.code == "address_not_allowed"
        assert "203.0.113" not in caught.value.message
    auth.check_address(Credential(TENANT, "secret", "key_1"), None)
