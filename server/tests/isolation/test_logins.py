"""Logins of the database: which may take the roles of the server, and what others are told."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from guilder_server.commands.doctor import examine
from guilder_server.commands.serving import NotFitToServe, refuse_unfit
from guilder_server.commands.walls import gaps
from guilder_server.postgres import roles
from guilder_server.postgres.isolation import JOBS, PEOPLE, REQUESTS, ROLES
from guilder_server.postgres.migrate import pending, upgrade
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.roles import RolesMissing
from guilder_server.settings import Settings
from tests.support.postgres import TestDatabases, running_server
from tests.support.servers import run_guilder


def test_an_owner_who_may_not_make_the_roles_hears_what_to_have_said() -> None:
    with running_server() as server:
        databases = TestDatabases(str(server.socket_dir))
        url = databases.url_of("test_newcomer", "newcomer")
        with databases.superuser_connection() as connection:
            _let_in(connection)
            with pytest.raises(RolesMissing) as refused:
                upgrade(url)
            said = [line[4:] for line in str(refused.value).splitlines()[1:]]
            assert said == [
                *(f"CREATE ROLE {role} NOLOGIN;" for role in ROLES),
                f"GRANT {', '.join(ROLES)} TO newcomer WITH INHERIT FALSE, SET TRUE;",
            ]
            for statement in said:
                connection.execute(statement)
        upgrade(url)
        assert pending(url) == []
        assert asyncio.run(_current_user(url)) == REQUESTS
        assert _accounts(url) == []
        # Who only serves has no rights but these roles', and needs none.
        with databases.superuser_connection() as connection:
            connection.execute("CREATE ROLE front LOGIN")
            front = databases.url_of("test_newcomer", "front")
            with pytest.raises(NotFitToServe, match="GRANT guilder_requests, guilder_commits"):
                refuse_unfit(_settings(front))
            connection.execute(f"GRANT {', '.join(ROLES)} TO front WITH INHERIT FALSE, SET TRUE")
        refuse_unfit(_settings(front))
        assert asyncio.run(_current_user(front)) == REQUESTS
        findings = {one.subject: one.status for one in examine(lambda: _settings(front), None)}
        assert (findings["isolation"], findings["webhooks"]) == ("ok", "ok")
        # Another database of the same cluster learns who else could look into it.
        with databases.superuser_connection() as connection:
            connection.execute(f"GRANT {', '.join(ROLES)} TO guilder WITH INHERIT FALSE")
        other = databases.create("test_other")
        with psycopg.connect(other) as connection:
            assert [(gap.status, "newcomer" in gap.detail) for gap in gaps(connection)] == [
                ("warn", True)
            ]
            connection.execute("REVOKE CONNECT ON DATABASE test_other FROM PUBLIC")
            assert gaps(connection) == []


def test_an_owner_who_has_the_rights_of_the_roles_untaken_hears_what_to_have_said() -> None:
    with running_server() as server:
        databases = TestDatabases(str(server.socket_dir))
        url = databases.url_of("test_newcomer", "newcomer")
        databases.create("test_first")
        with databases.superuser_connection() as connection:
            _let_in(connection)
            connection.execute("REVOKE CONNECT ON DATABASE test_newcomer FROM PUBLIC")
            connection.execute(f"GRANT {', '.join(ROLES)} TO newcomer")
            with pytest.raises(RolesMissing) as refused:
                upgrade(url)
            [said] = [line[4:] for line in str(refused.value).splitlines()[1:]]
            assert said == f"GRANT {', '.join(ROLES)} TO newcomer WITH INHERIT FALSE, SET TRUE;"
            connection.execute(said)
            upgrade(url)
            assert _accounts(url) == []
            # Somebody grants them again, as one is used to.
            connection.execute(f"GRANT {JOBS}, {PEOPLE} TO newcomer WITH INHERIT TRUE")
        with psycopg.connect(url) as newcomer:
            [gap] = gaps(newcomer)
        assert gap.status == "fail"
        assert f"GRANT {JOBS}, {PEOPLE} TO newcomer WITH INHERIT FALSE, SET TRUE;" in gap.advice
        refuse_unfit(_settings(url))


def test_before_version_16_the_login_inherits_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # Later versions go by what stands at the login where a grant says nothing, so these statements
    # can be tried on them.
    monkeypatch.setattr(roles, "_SAYS_HOW", 999_999)
    with running_server() as server:
        databases = TestDatabases(str(server.socket_dir))
        url = databases.url_of("test_newcomer", "newcomer")
        with databases.superuser_connection() as connection:
            _let_in(connection)
            with pytest.raises(RolesMissing) as refused:
                upgrade(url)
            said = [line[4:] for line in str(refused.value).splitlines()[1:]]
            assert said[-2:] == [
                "ALTER ROLE newcomer NOINHERIT;",
                f"GRANT {', '.join(ROLES)} TO newcomer;",
            ]
            for statement in said:
                connection.execute(statement)
        upgrade(url)
        assert _accounts(url) == []
        with databases.superuser_connection() as superuser:
            assert roles.remedy(superuser) == []


def test_databases_of_one_cluster_may_migrate_at_once() -> None:
    with running_server() as server:
        databases = TestDatabases(str(server.socket_dir))
        names = [f"test_{number}" for number in range(3)]
        with databases.superuser_connection() as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name} OWNER guilder TEMPLATE template0")
        with ThreadPoolExecutor() as threads:
            for done in threads.map(
                lambda name: run_guilder(
                    "migrate", settings={"GUILDER_DATABASE_URL": databases.url_of(name)}
                ),
                names,
            ):
                assert done.returncode == 0, done.stderr
        assert all(pending(databases.url_of(name)) == [] for name in names)


def _let_in(superuser: psycopg.Connection[Any]) -> None:
    """A login that is no superuser, with a database of its own."""
    superuser.execute("CREATE ROLE newcomer LOGIN")
    superuser.execute("CREATE DATABASE test_newcomer OWNER newcomer TEMPLATE template0")


def _accounts(url: str) -> list[Any]:
    """What the operator's commands see, who work as the login."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id FROM accounts").fetchall()


def _settings(url: str) -> Settings:
    return Settings(database_url=url, key_pepper="p", fingerprint_key="f", sealing_key="s")


async def _current_user(url: str) -> str:
    pool = Pool(url)
    await pool.open()
    try:
        async with pool.point([1]) as connection:
            [(name,)] = await (await connection.execute("SELECT current_user")).fetchall()
            return str(name)
    finally:
        await pool.close()
