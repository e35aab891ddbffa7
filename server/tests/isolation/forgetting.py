"""The application as if every store had forgotten its filter: conditions on the tenant are taken
out of the statements of requests, where they reach the connection. So a new store is covered by
itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from guilder_server.postgres.isolation import JOBS

_VALUE = r"%\(\w+\)s(?:::\w+)?|%s(?:::\w+)?|\$\d+(?:::\w+)?|\w+\.tenant_id|\w+\.id"
_JOINED = re.compile(r"USING \(tenant_id, ")
_COMPARED = re.compile(rf"(?:\w+\.)?\btenant_id = ({_VALUE})")
_NAMED = re.compile(r"\b\w+\.id = (\w+\.tenant_id)")
_LEFT = re.compile(r"\btenant_id\s*(?:=|<|>|IN\b)|(?:=|<|>)\s*\w+\.tenant_id")


def forget(sql: str) -> str:
    """The statement without its conditions on the tenant; it takes the same values."""
    sql = _JOINED.sub("USING (", sql)
    for condition in (_COMPARED, _NAMED):
        sql = condition.sub(r"(\1) IS NOT NULL", sql)
    return sql


@dataclass
class Forgotten:
    """What was changed, and what still says something about the tenant."""

    statements: set[str] = field(default_factory=set)
    remembered: set[str] = field(default_factory=set)
    together: int = 0  # the most tenants of one trip or commit

    def by(self, connection: psycopg.AsyncConnection[Any], query: Any, values: Any) -> Any:
        """What is asked instead."""
        if not isinstance(query, str) or JOBS.encode() in connection.pgconn.options:
            return query
        if "set_config('guilder.tenants'" in query:
            self.together = max(self.together, values[0].count(",") + 1)
            return query
        changed = forget(query)
        if changed != query:
            self.statements.add(query)
        if _LEFT.search(changed):
            self.remembered.add(changed)
        return changed


@contextmanager
def forgetful() -> Iterator[Forgotten]:
    """Within it, whatever the application of this process asks for."""
    forgotten = Forgotten()
    with pytest.MonkeyPatch.context() as patch:
        for cursor in (psycopg.AsyncCursor, psycopg.AsyncServerCursor):
            patch.setattr(cursor, "execute", _forgetting(cursor.execute, forgotten))
        yield forgotten


def _forgetting(execute: Any, forgotten: Forgotten) -> Any:
    async def forget_and_execute(self: Any, query: Any, params: Any = None, **how: Any) -> Any:
        query = forgotten.by(self.connection, query, params)
        return await execute(self, query, params, **how)

    return forget_and_execute
