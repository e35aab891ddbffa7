"""Where a request is taken to come from."""

from __future__ import annotations

import pytest

from guilder_server.http.origin import Origins, networks

PROXIES = networks("10.0.0.0/8, 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        pytest.param("198.51.100.7", None, "198.51.100.7", id="no-proxy"),
        pytest.param("198.51.100.7", "1.2.3.4", "198.51.100.7", id="a-stranger-who-claims"),
        pytest.param("10.0.0.1", "203.0.113.9", "203.0.113.9", id="behind-a-proxy"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="the-proxy-itself"),
        pytest.param("10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9", id="claimed-further-left"),
        pytest.param("10.0.0.1", "203.0.113.9, 10.2.3.4", "203.0.113.9", id="two-proxies"),
        pytest.param("10.0.0.1", "6.6.6.6, rubbish", "10.0.0.1", id="what-is-no-address"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="empty"),
        pytest.param("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9", id="mapped"),
        pytest.param("2001:db8::1", "2001:0DB9::0001", "2001:db9::1", id="shortest-form"),
        pytest.param(None, "203.0.113.9", None, id="unix-socket"),
    ],
)
def test_an_origin_is_what_a_trusted_proxy_says_it_is(
    peer: str | None, forwarded: str | None, origin: str | None
) -> None:
    assert Origins(PROXIES).of(peer, forwarded) == origin


def test_without_trusted_proxies_a_header_says_nothing() -> None:
    assert Origins().of("127.0.0.1", "203.0.113.9") == "127.0.0.1"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks("10.0.0.1/8")
