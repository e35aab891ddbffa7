"""What a block of the chain is made of, byte for byte.

A block covers the transactions of one commit. Each of its rows has one line of canonical bytes:
first the header of a transaction, then its entries in the order of their bytes, then the header
of the next one. Version 1 of a line is

    t1 text(id) text(kind) text(source) instant(created) instant(available) text(currency)
       text(description) instant(effective_at) text(reference) text(reverses) text(metadata)
       text(pairs) text(exchange)
    e1 text(code) text(currency) number(version) number(amount) number(balance)
       instant(posted_at) instant(effective_at)

without the spaces, and ends with a line feed. A text is the number of its characters, a colon and
the characters; a number is its decimal digits and a comma; an instant is the number of
microseconds since 1970; what is null is a single `-`. Metadata, pairs and exchange are JSON without
spaces, with sorted keys and characters beyond ASCII as they are. All of it is UTF-8.

Nothing says which tenant it is, and no number of the database's own: the same books in another
place have the same digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from guilder_server.kernel import heads
from guilder_server.kernel.ids import microseconds

LOCATOR = 8  # bytes of a row's own hash, by which it is found again
PREFIX = b"guilder ledger head 1\n"


@dataclass(frozen=True, slots=True)
class Seal:
    """`locators` say which row of a block is another by now; `digest` secures all of them."""

    locators: bytes
    digest: bytes


def header(
    id: str,
    kind: str,
    source: str,
    created: datetime,
    available: datetime,
    currency: str | None,
    description: str | None,
    effective_at: datetime | None,
    reference: str | None,
    reverses: str | None,
    metadata: str | None,
    pairs: str | None,
    exchange: str | None,
) -> bytes:
    """The line of a transaction; `metadata`, `pairs` and `exchange` come as canonical JSON."""
    return (
        f"t1{len(id)}:{id}{len(kind)}:{kind}{len(source)}:{source}"
        f"{microseconds(created)},{microseconds(available)},"
        f"{_text(currency)}{_text(description)}{_instant(effective_at)}"
        f"{_text(reference)}{_text(reverses)}{_text(metadata)}{_text(pairs)}"
        f"{_text(exchange)}\n"
    ).encode()


def entry(
    code: str | None,
    currency: str | None,
    version: int,
    amount: int,
    balance: int,
    posted_at: datetime,
    effective_at: datetime | None,
) -> bytes:
    """The line of an entry; one whose account is gone has neither code nor currency."""
    return (
        f"e1{_text(code)}{_text(currency)}{version},{amount},{balance},"
        f"{microseconds(posted_at)},{_instant(effective_at)}\n"
    ).encode()


def seal(lines: Sequence[bytes]) -> Seal:
    return Seal(b"".join(map(locator, lines)), sha256(b"".join(lines)).digest())


def locator(line: bytes) -> bytes:
    return sha256(line).digest()[:LOCATOR]


def split(locators: bytes) -> list[bytes]:
    return [locators[at : at + LOCATOR] for at in range(0, len(locators), LOCATOR)]


def head(before: bytes, position: int, digest: bytes) -> bytes:
    """The head of the chain once the block with this digest stands at `position`."""
    return heads.head(PREFIX, before, position, digest)


def _text(value: str | None) -> str:
    return "-" if value is None else f"{len(value)}:{value}"


def _instant(value: datetime | None) -> str:
    return "-" if value is None else f"{microseconds(value)},"
