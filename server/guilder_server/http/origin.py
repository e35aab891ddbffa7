"""Where a request comes from.

The peer of the connection says so, unless it is a proxy that the operator trusts: then the header
that each proxy adds to, X-Forwarded-For, is read from its right end, past the proxies that are
trusted too. What stands further left was written by whoever sent it, and is believed of nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Origins:
    """`proxies` are the networks of the proxies that stand before this server."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def trusts(self, peer: str | None) -> bool:
        """Whether what this peer says of a caller counts."""
        address = parse(peer)
        return address is not None and self._is_proxy(address)

    def of(self, peer: str | None, forwarded: str | None) -> str | None:
        """The caller's address in its shortest form; None where there is none, as on a Unix
        socket."""
        address = parse(peer)
        if forwarded is not None and address is not None:
            for named in reversed(forwarded.split(",")):
                if not self._is_proxy(address):
                    break
                further = parse(named.strip())
                if further is None:
                    break
                address = further
        return None if address is None else str(address)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def parse(text: str | None) -> Address | None:
    """An address; one of IPv4 that is written as IPv6 is the same caller."""
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses, divided by commas. Raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
