"""The roles that the server works as, made in the cluster by the first database that needs them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import sqlalchemy as sa

from guilder_server.postgres.isolation import ROLES

# From this version on each grant says whether a member has the role's rights without taking it;
# before, the member says so, for all of its roles.
_SAYS_HOW = 160_000
# What another migration says that was a moment faster: roles belong to the whole cluster.
_MADE_BY_ANOTHER = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)

_MISSING = "SELECT r FROM unnest(%s::text[]) r WHERE to_regrole(r) IS NULL"
_NOT_TAKEN = "SELECT r FROM unnest(%s::text[]) r WHERE NOT pg_has_role(current_user, r, %s)"
# Policies hold for whoever has a role's rights. Those of several roles at once read one another's
# tables in a circle, which PostgreSQL refuses.
_UNTAKEN = """
SELECT r FROM unnest(%s::text[]) r
WHERE to_regrole(r) IS NOT NULL AND pg_has_role(current_user, r, 'USAGE')
  AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
"""
_INHERITS = """
SELECT rolname FROM pg_roles
WHERE rolname = current_user AND rolinherit AND NOT rolsuper AND NOT rolbypassrls
"""


class RolesMissing(Exception):
    """A role is not there, or the login may not take it or has its rights untaken, and may not help
    itself."""

    def __init__(self, login: str, statements: Sequence[str]) -> None:
        lines = "\n".join(f"    {statement};" for statement in statements)
        super().__init__(
            f"{login} may not make the roles that keep tenants apart, or may not take them, or has "
            "their rights without taking them. Let a superuser say this once, and run `guilder "
            f"migrate` again:\n{lines}"
        )


def provide(connection: sa.Connection) -> None:
    """The roles are there, and the login may take them, and is none of them until it does. Raises
    RolesMissing."""
    raw: psycopg.Connection[tuple[str]] | None = connection.connection.driver_connection
    assert raw is not None
    how = " WITH INHERIT FALSE, SET TRUE" if says_how(raw) else ""
    try:
        for role in missing(raw):
            _say(raw, f"CREATE ROLE {role} NOLOGIN")
        if _must_not_inherit(raw):
            _say(raw, f"ALTER ROLE {_login(raw)} NOINHERIT")
        for role in not_taken(raw):
            _say(raw, f"GRANT {role} TO CURRENT_USER{how}")
    except psycopg.errors.InsufficientPrivilege:
        raise RolesMissing(_login(raw), remedy(raw)) from None
    # What others have granted, the login's own statements do not change.
    if untaken(raw):
        raise RolesMissing(_login(raw), remedy(raw))


def missing(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """Which roles the cluster does not have."""
    return [role for (role,) in connection.execute(_MISSING, [list(ROLES)]).fetchall()]


def not_taken(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """Which of the roles that are there the login may not take."""
    there = sorted(set(ROLES) - set(missing(connection)))
    how = "SET" if says_how(connection) else "MEMBER"
    return [role for (role,) in connection.execute(_NOT_TAKEN, [there, how]).fetchall()]


def untaken(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """Whose rights the login has without taking the role, so that its own reading fails."""
    return [role for (role,) in connection.execute(_UNTAKEN, [list(ROLES)]).fetchall()]


def remedy(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    """What a superuser has to say, so that the login may take the roles and is none by itself."""
    lacking = missing(connection)
    to_grant = {*lacking, *not_taken(connection)}
    login, how = _login(connection), ""
    statements = [f"CREATE ROLE {role} NOLOGIN" for role in lacking]
    if _must_not_inherit(connection):
        statements.append(f"ALTER ROLE {login} NOINHERIT")
    if says_how(connection):
        to_grant.update(untaken(connection))
        how = " WITH INHERIT FALSE, SET TRUE"
    if to_grant:
        named = ", ".join(sorted(to_grant, key=ROLES.index))
        statements.append(f"GRANT {named} TO {login}{how}")
    return statements


def _must_not_inherit(connection: psycopg.Connection[tuple[str]]) -> bool:
    """Of a version that knows inheritance for all of a login's roles only."""
    return not says_how(connection) and connection.execute(_INHERITS).fetchone() is not None


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
