"""Which URLs may be given to a webhook endpoint, and how they are stored.

What is stored is what is connected to: the name is in ASCII, every other character is one that
may stand in a request line. Only the text is judged here. What the name leads to is judged again
whenever a connection is opened, because that changes.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from unicodedata import category, normalize
from urllib.parse import quote

import idna

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.webhooks.domain.addresses import forbidden

LONGEST = 2048

# Names that mean a machine or a network nearby, with the names under them.
_NEARBY = frozenset(
    {
        "corp",
        "home",
        "home.arpa",
        "internal",
        "intranet",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "private",
        "svc",
    }
)

_SHAPE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What may stand in a path and a query as it is (RFC 3986); a percent sign begins an escape.
_PLAIN = "/?:@!$&'()*+,;=-._~[]%"

_ADVICE = "Give a URL such as https://shop.example.com/webhooks."


def check_url(url: str, *, livemode: bool, loopback: bool) -> str:
    """`url` as it is stored. Raises InvalidRequest where nothing may be sent there.

    `loopback` is the setting that lets test mode send in the clear and to this machine; live
    mode is not affected by it.
    """
    nearby = loopback and not livemode
    _check_text(url)
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise _invalid(f"This is not a URL. {_ADVICE}")
    scheme = shape["scheme"].lower()
    _check_scheme(scheme, livemode=livemode, nearby=nearby)
    authority, rest = shape["authority"], shape["rest"]
    if "@" in authority:
        raise _invalid(
            "The URL must not carry a user name or password. Remove what stands before the @;"
            " requests are authenticated by their signature."
        )
    if "#" in rest:
        raise _invalid("The URL must not have a fragment. Remove the # and what follows it.")
    host, port = _split(authority)
    host = _checked_host(host, nearby=nearby)
    stored = f"{scheme}://{host}{port}{_quoted(rest)}"
    if len(stored) > LONGEST:
        raise _too_long()
    return stored


def _check_text(url: str) -> None:
    if len(url) > LONGEST:
        raise _too_long()
    if "\\" in url:
        raise _invalid("The URL must not contain a backslash. Separate its parts by /.")
    if any(char <= " " or category(char)[0] in "CZ" for char in url):
        raise _invalid(
            "The URL must not contain spaces, line breaks or invisible characters. Remove them,"
            " or write them as %20 and the like."
        )


def _check_scheme(scheme: str, *, livemode: bool, nearby: bool) -> None:
    if scheme not in {"http", "https"}:
        raise _invalid("Only URLs that begin with https:// can receive webhooks.")
    if scheme == "http" and not nearby:
        where = "in live mode" if livemode else "here"
        raise _invalid(f"A URL that begins with http:// is not allowed {where}. Use https://.")


def _split(authority: str) -> tuple[str, str]:
    """The host, and the port with its colon where there is one."""
    if "[" in authority and "]" not in authority:
        raise _unmatched()
    end = authority.rfind("]") + 1
    host, colon, port = authority[end:].partition(":")
    host = authority[:end] + host
    if not host:
        raise _invalid(f"The URL names no host. {_ADVICE}")
    if not colon:
        return host, ""
    if (
        not (port.isascii() and port.isdigit() and len(port) <= 5)
        or port.startswith("0")
        or int(port) > 65535
    ):
        raise _invalid("The port of the URL must be a whole number from 1 to 65535.")
    return host, f":{port}"


def _checked_host(host: str, *, nearby: bool) -> str:
    if "[" in host or "]" in host:
        return _checked_address_6(host, nearby=nearby)
    if "%" in host:
        raise _invalid("The host of the URL must not contain %. Write its characters themselves.")
    # Other digits and full stops stand for the ASCII ones to some resolvers.
    if is_numeric(normalize("NFKC", host).replace("\N{IDEOGRAPHIC FULL STOP}", ".")):
        return _checked_address_4(host, nearby=nearby)
    name = _ascii(host)
    if is_numeric(name):
        return _checked_address_4(host, nearby=nearby)
    _check_name(name, nearby=nearby)
    return name


def is_numeric(host: str) -> bool:
    """Whether something that takes addresses could take `host` for IPv4: it ends in a number."""
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _checked_address_4(host: str, *, nearby: bool) -> str:
    try:
        address = IPv4Address(host)
    except AddressValueError:
        address = None
    if address is None or str(address) != host:
        raise _invalid(
            "The host of the URL looks like an IP address in an unusual spelling. Write four"
            " decimal numbers without leading zeros, as in 192.0.2.1, or use a name."
        )
    if forbidden(address, loopback=nearby):
        raise _forbidden()
    return host


def _checked_address_6(host: str, *, nearby: bool) -> str:
    if not (host.startswith("[") and host.endswith("]")):
        raise _unmatched()
    try:
        address = IPv6Address(host[1:-1])
    except AddressValueError:
        raise _invalid("What stands in brackets in the URL is not an IPv6 address.") from None
    if forbidden(address, loopback=nearby):
        raise _forbidden()
    if str(address) != host[1:-1].lower():
        raise _invalid(
            "The host of the URL is an IPv6 address in an unusual spelling."
            f" Write it as [{address}]."
        )
    return f"[{address}]"


def _ascii(host: str) -> str:
    if host.isascii() and "xn--" not in host.lower():
        return host.lower().removesuffix(".")
    try:
        return idna.encode(host, uts46=True, transitional=False).decode().lower().removesuffix(".")
    except UnicodeError:
        raise _not_a_name() from None


def _check_name(name: str, *, nearby: bool) -> None:
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _not_a_name()
    if nearby and labels[-1] == "localhost":
        return
    if _NEARBY.intersection((labels[-1], ".".join(labels[-2:]))):
        raise _forbidden()
    if len(labels) == 1:
        raise _invalid(f"The host of the URL must be a full name, with a dot in it. {_ADVICE}")


def _quoted(rest: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", rest), safe=_PLAIN)


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest("url_invalid", message, "url")


def _too_long() -> InvalidRequest:
    return _invalid(f"The URL must not be longer than {LONGEST} characters.")


def _unmatched() -> InvalidRequest:
    return _invalid(f"The brackets of the URL's host do not match. {_ADVICE}")


def _not_a_name() -> InvalidRequest:
    return _invalid(f"The host of the URL is not a name that can exist. {_ADVICE}")


def _forbidden() -> InvalidRequest:
    return _invalid(
        "The URL leads to a private, local or reserved address. Use a host that can be reached"
        " from the public internet."
    )
