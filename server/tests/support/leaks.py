"""Looking for words where they must not be: in every row of a database, in Redis, in a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import redis
from psycopg import sql

from guilder_server.postgres import snapshots
from guilder_server.postgres.trail import blocks

# Where something stands, and what.
Place: TypeAlias = tuple[str, bytes]

# The dictionaries that snapshots are written with.
_FAMILIES = ("", blocks.FAMILY)
_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""


def leaks(words: Iterable[str], places: Iterable[Place]) -> list[str]:
    """Which word was found where."""
    wanted = [(word, word.encode()) for word in words]
    return sorted(
        {
            f"{word} in {place}"
            for place, content in places
            for word, coded in wanted
            if coded in content
        }
    )


def rows(database_url: str) -> Iterator[Place]:
    """Every value of every table, snapshots as what they are of."""
    with psycopg.connect(database_url) as connection:
        for table, column in connection.execute(_COLUMNS).fetchall():
            wanted = sql.SQL("SELECT {} FROM {}").format(
                sql.Identifier(column), sql.Identifier(table)
            )
            for (value,) in connection.execute(wanted):
                for content in _contents(value):
                    yield f"{table}.{column}", content


def _contents(value: Any) -> Iterator[bytes]:
    if not isinstance(value, bytes):
        yield str(value).encode()
        return
    yield value
    for family in _FAMILIES:
        try:
            yield snapshots.unpack(value, family)
        except ValueError:
            continue  # a digest, or sealed, or of another family


def redis_values(url: str) -> Iterator[Place]:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            yield "a key in Redis", key
            yield f"Redis, {key!r}", client.dump(key) or b""


def lines(log: Path) -> Iterator[Place]:
    yield "the log", log.read_bytes()
