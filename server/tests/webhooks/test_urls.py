"""The URLs that an endpoint may be given, and how they are stored."""

from __future__ import annotations

import pytest

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.webhooks.domain.urls import LONGEST, check_url


def refusal(url: str, *, livemode: bool = False, loopback: bool = False) -> str:
    with pytest.raises(InvalidRequest) as refused:
        check_url(url, livemode=livemode, loopback=loopback)
    assert refused.value.code == "url_invalid"
    assert refused.value.param == "url"
    return refused.value.message


STORED = [
    ("https://shop.example.com/hooks", "https://shop.example.com/hooks"),
    ("HTTPS://Shop.Example.COM/Hooks?A=B", "https://shop.example.com/Hooks?A=B"),
    ("https://shop.example.com", "https://shop.example.com"),
    ("https://shop.example.com.:8443/x", "https://shop.example.com:8443/x"),
    ("https://shop.example.com?token=a%2Fb+c", "https://shop.example.com?token=a%2Fb+c"),
    ("https://shop.example.com/a/../b//c", "https://shop.example.com/a/../b//c"),
    ("https://shop.example.com/100%", "https://shop.example.com/100%25"),
    ("https://shop.example.com/ü?q=ß", "https://shop.example.com/%C3%BC?q=%C3%9F"),
    ('https://shop.example.com/"<>|', "https://shop.example.com/%22%3C%3E%7C"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://faß.example/", "https://xn--fa-hia.example/"),
    ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://my_shop.example.com/", "https://my_shop.example.com/"),
    ("https://8.8.8.8:65535/", "https://8.8.8.8:65535/"),
    ("https://[2606:4700::1111]:1/", "https://[2606:4700::1111]:1/"),
    ("https://[2606:4700::ABCD]/", "https://[2606:4700::abcd]/"),
    ("https://localhost.example.com/", "https://localhost.example.com/"),
    ("https://shop.example.com/@me", "https://shop.example.com/@me"),
]


@pytest.mark.parametrize(("url", "stored"), STORED)
@pytest.mark.parametrize("livemode", [False, True])
def test_a_public_url_is_stored_as_it_is_connected_to(
    url: str, stored: str, livemode: bool
) -> None:
    assert check_url(url, livemode=livemode, loopback=False) == stored
    assert check_url(stored, livemode=livemode, loopback=False) == stored


NEARBY = [
    "http://localhost:3000/hook",
    "http://app.localhost:3000/hook",
    "http://127.0.0.1:3000/hook",
    "http://[::1]:3000/hook",
    "https://127.0.0.53/hook",
]


@pytest.mark.parametrize("url", NEARBY)
def test_this_machine_takes_the_setting_and_test_mode(url: str) -> None:
    assert check_url(url, livemode=False, loopback=True) == url
    refusal(url, livemode=False, loopback=False)
    refusal(url, livemode=True, loopback=True)


def test_plain_http_takes_the_setting_and_test_mode() -> None:
    url = "http://shop.example.com/"
    assert check_url(url, livemode=False, loopback=True) == url
    assert "in live mode" in refusal(url, livemode=True, loopback=True)
    assert "https://" in refusal(url)


REFUSED = [
    ("", "not a URL"),
    ("shop.example.com/hooks", "not a URL"),
    ("https:shop.example.com", "not a URL"),
    ("https:/shop.example.com", "not a URL"),
    ("//shop.example.com", "not a URL"),
    ("https://", "no host"),
    ("https:///hooks", "no host"),
    ("https://:443/", "no host"),
    ("https://?x", "no host"),
    ("ftp://shop.example.com/", "https://"),
    ("javascript://shop.example.com/", "https://"),
    ("file:///etc/passwd", "https://"),
    ("https://user@shop.example.com/", "user name"),
    ("https://user:secret@shop.example.com/", "user name"),
    ("https://@shop.example.com/", "user name"),
    ("https://shop.example.com/#part", "fragment"),
    ("https://shop.example.com#", "fragment"),
    ("https://shop.example.com/a b", "spaces"),
    (" https://shop.example.com/", "spaces"),
    ("https://shop.example.com/\n", "spaces"),
    ("https://shop.example.com/\r\nHost: other", "spaces"),
    ("https://shop.example.com/\x00", "spaces"),
    ("https://shop.example.com/\x7f", "spaces"),
    ("https://shop\u00ad.example.com/", "spaces"),
    ("https://shop.example.com/\u202e", "spaces"),
    ("https://shop.example.com/\ud800", "spaces"),
    ("https://shop.example.com\\hooks", "backslash"),
    ("https:\\\\shop.example.com\\hooks", "backslash"),
    ("https://shop.example.com:0/", "port"),
    ("https://shop.example.com:/", "port"),
    ("https://shop.example.com:65536/", "port"),
    ("https://shop.example.com:99999999999/", "port"),
    ("https://shop.example.com:-1/", "port"),
    ("https://shop.example.com:0443/", "port"),
    ("https://shop.example.com:https/", "port"),
    ("https://shop.example.com:4\N{ARABIC-INDIC DIGIT FOUR}3/", "port"),
    ("https://shop.example.com:443:443/", "port"),
    ("https://2606:4700::1111/", "port"),
    ("https://shop/", "full name"),
    ("https://shop..example.com/", "can exist"),
    ("https://.shop.example.com/", "can exist"),
    ("https://shop.example.com../", "can exist"),
    ("https://-shop.example.com/", "can exist"),
    ("https://shop,example.com/", "can exist"),
    ("https://shop.example.com&x.example/", "can exist"),
    (f"https://{'a' * 64}.example.com/", "can exist"),
    (f"https://{'a.' * 127}example/", "can exist"),
    ("https://xn--zz-.example/", "can exist"),
    ("https://shop.ex%61mple.com/", "%"),
    ("https://[2606:4700::1111/", "brackets"),
    ("https://2606:4700::1111]/", "brackets"),
    ("https://[2606:4700::1111]x/", "brackets"),
    ("https://[shop.example.com]/", "IPv6"),
    ("https://[8.8.8.8]/", "IPv6"),
    ("https://[v1.x]/", "IPv6"),
    ("https://[2606:4700:0::1111]/", "[2606:4700::1111]"),
    ("https://8.8.2056/", "unusual spelling"),
    ("https://134744072/", "unusual spelling"),
    ("https://8.8.8.8./", "unusual spelling"),
    ("https://010.8.8.8/", "unusual spelling"),
    ("https://0x8.8.8.8/", "unusual spelling"),
    ("https://256.8.8.8/", "unusual spelling"),
    ("https://8.8.8.8.8/", "unusual spelling"),
    ("https://shop.example.123/", "unusual spelling"),
    ("https://8.8.8.\N{FULLWIDTH DIGIT EIGHT}/", "unusual spelling"),
    ("https://10.0.0.1/", "private"),
    ("https://localhost/", "private"),
    ("https://printer.local/", "private"),
    ("https://metadata.google.internal/", "private"),
    ("https://router.home.arpa/", "private"),
    ("https://db.default.svc/", "private"),
    ("https://db.default.svc.cluster.local./", "private"),
]


@pytest.mark.parametrize(("url", "says"), REFUSED)
def test_a_bad_url_is_refused_with_what_is_wrong(url: str, says: str) -> None:
    assert says in refusal(url)


def test_a_url_is_at_most_so_long_as_given_and_as_stored() -> None:
    start = "https://shop.example.com/"
    longest = start + "a" * (LONGEST - len(start))
    assert check_url(longest, livemode=True, loopback=False) == longest
    assert "2048" in refusal(longest + "a")
    assert "2048" in refusal(start + "ü" * 1000)
