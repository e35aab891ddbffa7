"""Only plain public unicast addresses may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from guilder_server.webhooks.domain.addresses import forbidden

_FORBIDDEN = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 100::1 100:0:0:1::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1
2001:20::1 2001:30::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1
5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fe80::1%lo fec0::1 ff02::1 ff0e::1
2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:127.0.0.1 4000::1 8000::1 2606:4700::1111%eth0 ::1%lo
"""
FORBIDDEN = _FORBIDDEN.split()

_PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1
168.63.129.15 168.63.129.17 169.253.255.255 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255
198.17.255.255 198.20.0.1 223.255.255.255
2001:200::1 2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2a00:1450:4001::1 3ffd::1 3fff:1000::1
"""
PUBLIC = _PUBLIC.split()


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_public_is_forbidden(address: str) -> None:
    assert forbidden(ip_address(address), loopback=False)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("loopback", [False, True])
def test_what_is_public_is_allowed(address: str, loopback: bool) -> None:
    assert not forbidden(ip_address(address), loopback=loopback)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.53", "127.255.255.255", "::1"])
def test_this_machine_is_allowed_where_that_was_asked_for(address: str) -> None:
    assert not forbidden(ip_address(address), loopback=True)


@pytest.mark.parametrize(
    "address", [one for one in FORBIDDEN if not one.startswith("127.") and one != "::1"]
)
def test_no_other_address_comes_with_this_machine(address: str) -> None:
    assert forbidden(ip_address(address), loopback=True)


@given(ip_addresses(v=4))
def test_nothing_is_allowed_that_python_holds_private_v4(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert forbidden(address, loopback=False)


@given(ip_addresses(v=6))
def test_nothing_is_allowed_that_python_holds_private_v6(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert forbidden(address, loopback=False)
