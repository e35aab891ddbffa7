"""Where a key may be used from: networks of IPv4 and IPv6, as CIDR."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from guilder_server.kernel.errors import InvalidRequest

MOST_NETWORKS = 100

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def allowed(wanted: Sequence[str]) -> tuple[str, ...]:
    """The networks in their shortest form, each once. An address is a network of one."""
    if len(wanted) > MOST_NETWORKS:
        raise _invalid(f"A key is allowed at most {MOST_NETWORKS} networks.")
    return tuple(sorted({str(_network(one)) for one in wanted}))


def inside(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether everywhere in `inner` is in `outer` too. None at all means everywhere."""
    if not outer:
        return True
    around = [ipaddress.ip_network(one) for one in outer]
    return bool(inner) and all(_covered(ipaddress.ip_network(one), around) for one in inner)


def _covered(network: Network, around: Sequence[Network]) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return any(
            network.subnet_of(one) for one in around if isinstance(one, ipaddress.IPv4Network)
        )
    return any(network.subnet_of(one) for one in around if isinstance(one, ipaddress.IPv6Network))


def _network(wanted: str) -> Network:
    given = wanted.strip()
    try:
        network = ipaddress.ip_network(given, strict=False)
    except ValueError:
        raise _invalid(
            f"{wanted[:60]!r} is no network. It is written as 203.0.113.0/24 or 2001:db8::/32; a "
            "single address is one as well."
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        raise _invalid(
            f"{wanted[:60]!r} is an address of IPv4: write it as one, with four numbers."
        )
    if "/" in given and str(network.network_address) != str(
        ipaddress.ip_address(given.partition("/")[0])
    ):
        raise _invalid(
            f"{wanted[:60]!r} names one address of {network}: which of the two is meant?"
        )
    return network


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest("parameter_invalid", message, "allowed_addresses")
