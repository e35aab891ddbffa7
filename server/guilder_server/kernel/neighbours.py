"""Who counts as one where addresses are counted."""

from __future__ import annotations

import ipaddress


def neighbourhood(address: str | None) -> str:
    """Where an address is: whoever has one of IPv6 has all of its /64, and would never run out."""
    if not address:
        return "nowhere"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False))
