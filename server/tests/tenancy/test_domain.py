"""Keys: what they look like and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.domain.keys import KeyKind, KeyRecord

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("kind", "livemode", "prefix"),
    [
        ("secret", False, "sk_test_gld"),
        ("secret", True, "sk_live_gld"),
        ("publishable", False, "pk_test_gld"),
        ("restricted", True, "rk_live_gld"),
    ],
)
def test_a_new_key_says_its_kind_and_mode(kind: KeyKind, livemode: bool, prefix: str) -> None:
    key = keys.new_key(kind, livemode)
    assert key.startswith(prefix)
    assert len(key) == len(prefix) + 38
    assert keys.well_formed(key)
    assert keys.kind_of(key) == kind
    assert keys.livemode_of(key) is livemode


def test_no_two_keys_are_equal() -> None:
    assert len({keys.new_key("secret", False) for _ in range(1000)}) == 1000


@given(position=st.integers(0, 37), letter=st.sampled_from(LETTERS))
def test_a_key_with_one_wrong_letter_is_malformed(position: int, letter: str) -> None:
    key = keys.new_key("secret", False)
    at = len("sk_test_gld") + position
    mistyped = key[:at] + letter + key[at + 1 :]
    assert keys.well_formed(mistyped) is (mistyped == key)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.replace("sk_", "rk_"),
        lambda key: key.replace("_test_", "_live_"),
        lambda key: key + "0",
        lambda key: key[:-1],
        lambda key: key.replace("gld", "abc"),
        lambda key: key + "\n",
        lambda key: " " + key,
        lambda key: "",
        lambda key: "sk_test_é" + key[9:],
    ],
)
def test_what_only_resembles_a_key_is_malformed(change: Callable[[str], str]) -> None:
    assert not keys.well_formed(change(keys.new_key("secret", False)))


@given(st.text())
def test_any_text_may_be_asked_about(token: str) -> None:
    assert not keys.well_formed(token)


def test_the_hash_depends_on_the_pepper_and_the_key() -> None:
    one, other = keys.new_key("secret", False), keys.new_key("secret", False)
    digests = {
        keys.digest(b"pepper", one),
        keys.digest(b"salt", one),
        keys.digest(b"pepper", other),
    }
    assert len(digests) == 3
    assert keys.digest(b"pepper", one) == keys.digest(b"pepper", one)


def test_a_key_is_shown_without_its_random_part() -> None:
    tenant = Tenant(1, "acct_1", False)
    record = KeyRecord("key_1", tenant, "secret", "1234", None, None)
    assert record.shown() == "sk_test_****1234"


@pytest.mark.parametrize(
    ("expires", "expired"),
    [(None, False), (NOW + timedelta(seconds=1), False), (NOW, True)],
)
def test_a_key_expires_at_its_moment(expires: datetime | None, expired: bool) -> None:
    record = KeyRecord("key_1", Tenant(1, "acct_1", False), "secret", "1234", expires, None)
    assert record.expired(NOW) is expired
