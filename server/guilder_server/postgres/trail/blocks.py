"""Blocks of the audit trail: the entries that one commit made for one tenant, as one row.

An entry is one line: a JSON array without spaces, in UTF-8, that ends with a line feed.

    [actor type, actor id, address, action, request, [[object, id, before, after], …]]

The lines of a block are compressed together, and nothing is written twice: the id of an entry is
that of its block, with its place in the block added to the last two characters; when it was made
is in the id, as in every id. The digest of a block is the SHA-256 of

    guilder audit block 1 ⏎ id of the block ⏎ lines

and is taken when the block gets its place in the chain. The locators are the first four bytes of
the SHA-256 of each of several lines: they tell which line is another by now. `terms` has a bit for
each actor, action and kind of object in the block, so that
lists pass over most blocks that have nothing of what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from zlib import crc32

import msgspec

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import Cause, Touched
from guilder_server.kernel.ids import DIGITS, TIME_LENGTH
from guilder_server.kernel.redaction import REDACTED
from guilder_server.postgres import snapshots

PREFIX = "aud"
LOCATOR = 4
FAMILY = "audit"  # of dictionaries
# As many ids as the last two characters tell apart.
MOST_LINES = 62 * 62
_BITS = 63  # of a bigint, but for its sign
_TITLE = b"guilder audit block 1\n"
_ID = re.compile(r"aud_[0-9A-Za-z]{24}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What no field's name gave away, such as an address that a secret is part of.
_SECRETS = re.compile(
    rb"(_secret_|client_secret=|\b(?:[sr]k|ocs)_(?:live|test)_|\bwhsec_)[0-9A-Za-z_+/=-]{8,}"
)
_MARKS = (b"secret", b"whsec_", b"k_live_", b"k_test_", b"ocs_live_", b"ocs_test_")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Damaged(Exception):
    """A payload cannot be read, or holds other than entries."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it is inserted."""

    id: str
    terms: int
    locators: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is read; `place` is its number in the block."""

    id: str
    place: int
    cause: Cause
    touched: Sequence[Touched]

    @property
    def created(self) -> datetime:
        return instant_of(self.id)


def line(cause: Cause, touched: Sequence[Touched]) -> bytes:
    actor = cause.actor
    text = _encode((actor.kind, actor.id, actor.address, cause.action, cause.request_id, touched))
    if any(mark in text for mark in _MARKS):
        text = _SECRETS.sub(rb"\1" + REDACTED.encode(), text)
    return text + b"\n"


def block(id: str, terms: int, lines: Sequence[bytes]) -> Block:
    """`id` is that of the first entry."""
    text = b"".join(lines)
    return Block(id, terms, locators(lines), snapshots.pack(text, FAMILY))


def locators(lines: Sequence[bytes]) -> bytes:
    """None where there is one line only: it is that one."""
    if len(lines) == 1:
        return b""
    return b"".join([sha256(one).digest()[:LOCATOR] for one in lines])


def digest(id: str, payload: bytes) -> bytes:
    """Of a block as it is kept; one that cannot be read stands in the chain as what it is."""
    try:
        return sha256(b"%s%s\n%s" % (_TITLE, id.encode(), unpack(payload))).digest()
    except Damaged:
        return sha256(b"guilder audit damaged block 1\n" + payload).digest()


def unpack(payload: bytes) -> bytes:
    """The lines of a block. Raises Damaged."""
    try:
        return snapshots.unpack(payload, FAMILY)
    except ValueError as error:
        raise Damaged(str(error)) from error


def lines_of(text: bytes) -> list[bytes]:
    return text.splitlines(keepends=True)


def entry(block_id: str, place: int, text: bytes) -> Entry:
    """Raises Damaged."""
    try:
        kind, id, address, action, request_id, touched = _decode(text)
        cause = Cause(Actor(kind, id, address), action, request_id)
        return Entry(entry_id(block_id, place), place, cause, [Touched(*one) for one in touched])
    except (ValueError, TypeError) as error:
        raise Damaged(f"not an entry: {error}") from error


def entry_id(block_id: str, place: int) -> str:
    if not place:
        return block_id
    high, low = divmod(_number(block_id) + place, 62)
    return f"{block_id[:-2]}{DIGITS[high]}{DIGITS[low]}"


def first_of(id: str) -> str:
    """The id of a block, from a new one: with room for all entries that it can have."""
    return id[:-2] + "00"


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def instant_of(id: str) -> datetime:
    count = 0
    for digit in id.partition("_")[2][:TIME_LENGTH]:
        count = count * 62 + DIGITS.index(digit)
    return _EPOCH + timedelta(microseconds=count)


def terms_of(cause: Cause, nouns: Iterable[str]) -> int:
    found = _cause_bits(cause.actor.kind, cause.actor.id, cause.action)
    for noun in nouns:
        found |= bit("object", noun)
    return found


@lru_cache(maxsize=4096)
def bit(name: str, value: str) -> int:
    """Of one thing that lists are filtered by: its name and its value."""
    return 1 << (crc32(f"{name} {value}".encode()) % _BITS)


@lru_cache(maxsize=4096)
def _cause_bits(kind: str, id: str, action: str) -> int:
    return bit("actor_type", kind) | bit("actor", id) | bit("action", action)


def _number(id: str) -> int:
    return DIGITS.index(id[-2]) * 62 + DIGITS.index(id[-1])
