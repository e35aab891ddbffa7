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

from guilder_server.postgres.isolation import JOBS, PEOPLE

_VALUE = r"%\(\w+\)s(?:::\w+)?|%s(?:::\w+)?|\$\d+(?:::\w+)?|\w+\.tenant_id|\w+\.id"
_JOINED = re.compile(r"USING \(tenant_id, ")
_COMPARED = re.compile(rf"(?:\w+\.)?\btenant_id = ({_VALUE})")
_NAMED = re.compile(r"\b\w+\.id = (\w+\.tenant_id)")
_LEFT = re.compile(r"\btenant_id\s*(?:=|<|>|IN\b)|(?:=|<|>)\s*\w+\.tenant_id")
# It finds out whose a key is, before there is a tenant to have a condition on. Which of several
# keys in one trip is whose, nothing but its join says; of one, the walls do (test_walls.py).
_BY_KEY = "AS k(hash) JOIN api_keys"
# What keeps a statement of people to the one thing that it says it is about.
_ABOUT = {
    "account": re.compile(r"(?:\w\.)?\baccount_id = (%s)|(?<=WHERE )id = (%s)"),
    "person": re.compile(r"(?:\w\.)?\buser_id = (%s)|(?<=WHERE )id = (%s)"),
    "email": re.compile(r"\bemail = (%s)"),
    "identity": re.compile(r"\bi\.(?:issuer|subject) = (%s)"),
    "hash": re.compile(r"(?:s\.)?\b(?:hash|subject) = (%s)"),
}


def forget(sql: str) -> str:
    """The statement without its conditions on the tenant; it takes the same values."""
    sql = _JOINED.sub("USING (", sql)
    for condition in (_COMPARED, _NAMED):
        sql = condition.sub(r"(\1) IS NOT NULL", sql)
    return sql


def forget_about(kind: str, sql: str) -> str:
    """As `forget`, for a statement of people about one thing of a kind."""
    condition = _ABOUT.get(kind)
    return sql if condition is None else condition.sub("(%s::text) IS NOT NULL", sql)


@dataclass
class Forgotten:
    """What was changed, and what still says something about the tenant."""

    statements: set[str] = field(default_factory=set)
    remembered: set[str] = field(default_factory=set)
    together: int = 0  # the most tenants of one trip or commit
    about: dict[psycopg.AsyncConnection[Any], str] = field(default_factory=dict)  # by its kind
    # Taken for a statement or two by what lets people in.
    roles: dict[psycopg.AsyncConnection[Any], str] = field(default_factory=dict)

    def by(self, connection: psycopg.AsyncConnection[Any], query: Any, values: Any) -> Any:
        """What is asked instead."""
        if not isinstance(query, str) or JOBS.encode() in connection.pgconn.options:
            return query
        if "set_config('guilder.tenants'" in query:
            self.together = max(self.together, values[0].count(",") + 1)
            return query
        if query.startswith("SET LOCAL ROLE "):
            self.roles[connection] = query.rpartition(" ")[2]
            return query
        if _BY_KEY in query:
            return query
        as_people = self.roles.get(connection, PEOPLE) == PEOPLE
        if as_people and PEOPLE.encode() in connection.pgconn.options:
            return self._of_people(connection, query, values)
        changed = forget(query)
        if changed != query:
            self.statements.add(query)
        if _LEFT.search(changed):
            self.remembered.add(changed)
        return changed

    def _of_people(self, connection: psycopg.AsyncConnection[Any], query: str, values: Any) -> str:
        if "set_config('guilder.about'" in query:
            self.about[connection] = values[0][0]
            return query
        kind = self.about.get(connection)
        if kind is None:
            return query  # to whom nothing is shown
        changed = forget_about(kind, query)
        if changed != query:
            self.statements.add(query)
        elif kind != "everybody" and not query.startswith("INSERT"):
            self.remembered.add(query)
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
