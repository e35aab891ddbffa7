"""The lines of an export, one JSON object each.

The first is the head; then come the accounts, the blocks in the order of the chain, each followed
by its transactions, the holds, and the end. Every line but the first ends with a `check`: the
first four bytes of the SHA-256 over all lines between the first and this one, itself included. It
tells which line was damaged; that nothing was altered on purpose, only the chain can tell.

Instants are microseconds since 1970, bytes are hexadecimal.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import msgspec

from guilder_server.kernel.exchange import Exchange

FORMAT = 1
# More than a transaction with as many postings as one can have.
LONGEST_LINE = 8 * 1024 * 1024

_MARK = b',"check":"'
_CHECK = len(_MARK) + 8 + len(b'"}\n')


class Wrong(Exception):
    """The books cannot be exported or imported; the message says why."""


class WrongLine(Wrong):
    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason} Nothing was imported.")


class _Line(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind"):
    pass


class Head(_Line, tag="ledger"):
    format: int
    account: str
    livemode: bool
    created: int
    position: int
    head: str
    checkpoint: dict[str, Any] | None


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    created: int
    name: str | None
    metadata: dict[str, str]
    status: Literal["open", "frozen", "closed"]


class Account(_Line, tag="account"):
    """`profile` is null for accounts of payments."""

    id: str
    code: str
    currency: str
    normal_side: Literal["debit", "credit"]
    floor: int | None
    ceiling: int | None
    created: int
    profile: Profile | None


class Block(_Line, tag="block"):
    position: int
    transactions: int
    locators: str
    digest: str
    head: str


Entry = tuple[str, str, int, int, int, int, int | None]


class Transaction(_Line, tag="transaction"):
    """Of each entry: code, currency, version, amount, balance, posted_at and effective_at."""

    id: str
    type: str
    source: str
    created: int
    available: int
    currency: str | None
    description: str | None
    effective_at: int | None
    reference: str | None
    reverses: str | None
    metadata: msgspec.Raw
    pairs: msgspec.Raw
    exchange: msgspec.Raw
    entries: list[Entry]


class Hold(_Line, tag="hold"):
    id: str
    version: int
    created: int
    status: Literal["pending", "posted", "voided", "expired"]
    pairs: list[tuple[str, str, int]]
    description: str | None
    reference: str | None
    metadata: dict[str, str]
    expires_at: int | None
    exchange: Exchange | None


class End(_Line, tag="end"):
    """`totals` are debits and credits by currency."""

    accounts: int
    blocks: int
    transactions: int
    entries: int
    holds: int
    totals: dict[str, tuple[int, int]]
    position: int
    head: str


Body = Account | Block | Transaction | Hold | End

_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(Head)
_body = msgspec.json.Decoder(Body)


class Writer:
    def __init__(self) -> None:
        self._hash = sha256()

    @staticmethod
    def head(line: Head) -> bytes:
        return _encode(line) + b"\n"

    def body(self, line: Body) -> bytes:
        text = _encode(line)
        self._hash.update(text)
        return b"%s%s%s" % (text[:-1], _MARK, self._hash.copy().hexdigest()[:8].encode()) + b'"}\n'


class Reader:
    """Reads one line after the other; `number` is that of the last one. Raises WrongLine."""

    def __init__(self) -> None:
        self._hash = sha256()
        self.number = 0

    def head(self, text: bytes) -> Head:
        self.number = 1
        try:
            head = _head.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WrongLine(1, f"this is no export of a ledger ({error}).") from error
        if head.format != FORMAT:
            raise WrongLine(1, f"this is format {head.format}; only {FORMAT} is known here.")
        return head

    def body(self, text: bytes) -> Body:
        self.number += 1
        mark, check = text[-_CHECK:-11], text[-11:-3]
        if len(text) <= _CHECK or mark != _MARK or text[-3:] != b'"}\n':
            raise WrongLine(self.number, "it does not end as a line of an export does.")
        plain = text[:-_CHECK] + b"}"
        self._hash.update(plain)
        if self._hash.copy().hexdigest()[:8].encode() != check:
            raise WrongLine(self.number, "it is not as it was written.")
        try:
            body: Body = _body.decode(plain)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WrongLine(self.number, f"it cannot be understood ({error}).") from error
        return body
