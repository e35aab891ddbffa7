"""Several statements that write, sent as one.

In a pipeline psycopg goes through the event loop for each statement, and PostgreSQL starts each
by itself. A `WITH` whose parts all write is one statement to both, which saves a twentieth to a
tenth of a payment's time. Its parts run on one snapshot and in no promised order, which is right
here: they write different rows, and foreign keys are checked when all are done.
https://www.postgresql.org/docs/current/queries-with.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg

Statement = tuple[str, Sequence[Any]]
# Of one statement, the column that says of each of its rows whether all is as it was expected.
SOUND = "sound"
_CHECKED = f" AS {SOUND}"


async def execute_as_one(
    connection: psycopg.AsyncConnection[Any], statements: Sequence[Statement]
) -> None:
    """Carries out `statements`, which return no rows; nothing if there are none.

    One of them may be checked: it returns SOUND, for each row of its first array. Should a row be
    missing, or not be sound, PostgreSQL raises DivisionByZero, and what is in the same pipeline
    behind it, such as a COMMIT, is not carried out. To ask and then to decide would be a trip more.
    """
    if not statements:
        return
    sql = _merged(tuple(one for one, _ in statements))
    # Of a raw cursor PostgreSQL gets the text as it is; any other would look through all of it,
    # each time, for placeholders.
    cursor = psycopg.AsyncRawCursor(connection)
    await cursor.execute(sql, [array for _, arrays in statements for array in arrays])


@lru_cache(maxsize=256)
def _merged(statements: tuple[str, ...]) -> str:
    """Their placeholders numbered through, as PostgreSQL itself writes them."""
    numbers = count(1)
    parts: list[str] = []
    check = ""
    for place, one in enumerate(statements, 1):
        first = 1 + sum(before.count("%s") for before in statements[: place - 1])
        numbered = re.sub("%s", lambda _: f"${next(numbers)}", one)
        parts.append(f"write_{place} AS ({numbered})")
        if _CHECKED in one:
            all_sound = f"count(*) = cardinality(${first}) AND bool_and({SOUND})"
            check = f" 1 / ({all_sound})::int FROM write_{place}"
    return f"WITH {', '.join(parts)} SELECT{check}"
