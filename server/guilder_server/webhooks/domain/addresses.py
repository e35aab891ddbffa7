"""Which addresses a webhook may be carried to: plain public unicast ones, and no others.

The networks are those of the IANA registries of special-purpose addresses
(https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry) and of the multicast and reserved
ranges. `ipaddress.is_global` does not do: it holds addresses global that carry a private IPv4
address inside (64:ff9b::/96, 2002::/16, ::127.0.0.1), and others that nobody listens on in public.

A network that translates IPv6 to IPv4 under a prefix of its own choosing cannot be told from
its addresses; there, the translator must not lead to private ones.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; Alibaba Cloud's metadata is at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by number, yet inside every machine at Azure: its metadata
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocols; Oracle Cloud's metadata is at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# The only part of IPv6 that has been given out as global unicast. Outside it are loopback, mapped
# (::ffff:0:0/96) and compatible (::/96) IPv4, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), 5f00::/16,
# fc00::/7, fe80::/10, fec0::/10 and multicast.
_UNICAST_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocols, Teredo (2001::/32) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # 6bone, given back
        "3fff::/20",  # documentation
    )
)
# Under any prefix, an interface identifier that begins so carries an IPv4 address (ISATAP).
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})

_LOOPBACK_4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = IPv6Address("::1")


def forbidden(address: IPv4Address | IPv6Address, *, loopback: bool) -> bool:
    """Whether nothing may be sent to `address`. With `loopback`, 127.0.0.0/8 and ::1 are allowed;
    no other spelling of them is."""
    if isinstance(address, IPv4Address):
        if loopback and address in _LOOPBACK_4:
            return False
        return any(address in network for network in _SPECIAL_4)
    if address.scope_id is not None:
        return True  # a zone is a link of this machine
    if loopback and address == _LOOPBACK_6:
        return False
    return (
        address not in _UNICAST_6
        or any(address in network for network in _SPECIAL_6)
        or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
    )
