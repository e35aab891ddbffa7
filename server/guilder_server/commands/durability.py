"""Does this database keep what it has acknowledged?"""

from __future__ import annotations

from typing import Any

import psycopg

_MUST_BE_ON = {
    "fsync": "a crash of the machine may destroy the database",
    "full_page_writes": "a crash during a write may leave half a page",
    "synchronous_commit": "a crash may lose payments that were acknowledged",
}


def durability_problems(connection: psycopg.Connection[Any]) -> list[str]:
    """One sentence for each setting under which acknowledged money can be lost."""
    problems = []
    for name, consequence in _MUST_BE_ON.items():
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row is not None and row[0] == "off":
            problems.append(f"{name} is off: {consequence}. Turn it on in PostgreSQL.")
    return problems
