"""The roles that the server works as, made in the cluster by the first database that needs them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import sqlalchemy as sa

from guilder_server.postgres.isolation import ROLES

# From this version on it can be said that a member does not become the role by itself.
_SAYS_HOW = 160_000
# What another migration says that was a moment faster: roles belong to the whole cluster.
_MADE_BY_ANOTHER = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)

_MISSING = "SELECT r FROM unnest(%s::text[]) r WHERE to_regrole(r) IS NULL"
_NOT_TAKEN = "SELECT r FROM unnest(%s::text[]) r WHERE NOT pg_has_role(current_user, r, %s)"


class RolesMissing(Exception):
    """A role is not there, or the login may not take it, and may not help itself."""

    def __init__(self, login: str, statements: Sequence[str]) -> None:
        lines = "\n".join(f"    {statement};" for statement in statements)
        super().__init__(
            f"{login} may not make the roles that keep tenants apart, or may not take them. Let a "
            f"superuser say this once, and run `guilder migrate` again:\n{lines}"
        )


def provide(connection: sa.Connection) -> None:
    """The roles are there, and the login may take them. Raises RolesMissing."""
    raw: psycopg.Connection[tuple[str]] | None = connection.connection.driver_connection
    assert raw is not None
    try:
        for role in missing(raw):
            _say(raw, f"CREATE ROLE {role} NOLOGIN")
        for role in not_taken(raw):
            how = " WITH INHERIT FALSE, SET TRUE" if says_how(raw) else ""
            _say(raw, f"GRANT {role} TO CURRENT_USER{how}")
    except psycopg.errors.InsufficientPrivilege:
        raise RolesMissing(_login(raw), remedy(raw)) from None


def missing(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """Which roles the cluster does not have."""
    return [role for (role,) in connection.execute(_MISSING, [list(ROLES)]).fetchall()]


def not_taken(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """Which of the roles that are there the login may not take."""
    there = sorted(set(ROLES) - set(missing(connection)))
    how = "SET" if says_how(connection) else "MEMBER"
    return [role for (role,) in connection.execute(_NOT_TAKEN, [there, how]).fetchall()]


def remedy(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """What a superuser has to say."""
    lacking = missing(connection)
    to_grant = sorted({*lacking, *not_taken(connection)}, key=ROLES.index)
    statements = [f"CREATE ROLE {role} NOLOGIN" for role in lacking]
    if to_grant:
        statements.append(f"GRANT {', '.join(to_grant)} TO {_login(connection)}")
    return statements


def says_how(connection: psycopg.Connection[tuple[str]]) -> bool:
    return connection.info.server_version >= _SAYS_HOW


def _say(connection: psycopg.Connection[tuple[str]], statement: str) -> None:
    try:
        with connection.transaction():
            connection.execute(statement)
    except _MADE_BY_ANOTHER:
        pass


def _login(connection: psycopg.Connection[tuple[str]]) -> str:
    row = connection.execute("SELECT quote_ident(current_user)").fetchone()
    assert row is not None
    return row[0]
