"""Columns on their way to PostgreSQL: a list of values as one binary array.

The committer sends each column of each table as one array parameter. psycopg's own list
dumper looks at every element in Python to find its type, about a microsecond each, and a
payment has some 130; and its text form for `bytea` is slower by three orders of magnitude.
Here the type is known from the table, so an element costs one `struct.pack`.
Format: array_recv() in PostgreSQL's src/backend/utils/adt/arrayfuncs.c.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from struct import Struct
from typing import Any

import msgspec
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.pq import Format

from guilder_server.kernel.ids import microseconds

_HEADER = Struct(">iiiii")  # dimensions, has-nulls, element type, size, lower bound
_length = Struct(">i").pack
_int8 = Struct(">iq").pack
_int4 = Struct(">ii").pack
_NULL = _length(-1)
_TRUE, _FALSE = _length(1) + b"\x01", _length(1) + b"\x00"
_POSTGRES_EPOCH = 946_684_800_000_000  # 2000-01-01 in Unix microseconds
_json = msgspec.json.Encoder()


def _bytea(value: bytes) -> bytes:
    return _length(len(value)) + value


def _text(value: str) -> bytes:
    # Half of all elements are texts: a call to _bytea here would cost a third more.
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _bigint(value: int) -> bytes:
    return _int8(8, value)


def _integer(value: int) -> bytes:
    return _int4(4, value)


def _boolean(value: bool) -> bytes:
    return _TRUE if value else _FALSE


def _instant(value: datetime) -> bytes:
    return _int8(8, microseconds(value) - _POSTGRES_EPOCH)


def _jsonb(value: object) -> bytes:
    return _bytea(b"\x01" + _json.encode(value))


class ColumnType:
    """A PostgreSQL type with the way to write an array of it."""

    def __init__(self, name: str, oid: int, array_oid: int, encode: Callable[[Any], bytes]):
        self.name = name
        self._encode = encode
        self._oid = oid
        # psycopg picks a dumper by class, and a dumper stands for one type.
        self._array: type[bytes] = type(f"{name}_array", (bytes,), {})
        self._dumper = type(
            f"{name}_dumper",
            (Dumper,),
            {"oid": array_oid, "format": Format.BINARY, "dump": lambda _, obj: obj},
        )

    def array(self, values: Sequence[Any]) -> bytes:
        """The values as one array parameter; None becomes NULL."""
        encode = self._encode
        if not values:
            return self._array(_HEADER.pack(0, 0, self._oid, 0, 0)[:12])
        body = b"".join([_NULL if value is None else encode(value) for value in values])
        return self._array(_HEADER.pack(1, 1, self._oid, len(values), 1) + body)

    def register(self, adapters: AdaptersMap) -> None:
        adapters.register_dumper(self._array, self._dumper)


BIGINT = ColumnType("bigint", 20, 1016, _bigint)
INTEGER = ColumnType("integer", 23, 1007, _integer)
TEXT = ColumnType("text", 25, 1009, _text)
BYTEA = ColumnType("bytea", 17, 1001, _bytea)
BOOLEAN = ColumnType("boolean", 16, 1000, _boolean)
INSTANT = ColumnType("timestamptz", 1184, 1185, _instant)
JSONB = ColumnType("jsonb", 3802, 3807, _jsonb)

TYPES = {kind.name: kind for kind in (BIGINT, INTEGER, TEXT, BYTEA, BOOLEAN, INSTANT, JSONB)}


class _RawJson(Loader):
    """Leaves jsonb as bytes: the mapping decodes it straight into the type it wants."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


def register(adapters: AdaptersMap) -> None:
    """Teach a connection these types."""
    for kind in TYPES.values():
        kind.register(adapters)
    adapters.register_loader("jsonb", _RawJson)
