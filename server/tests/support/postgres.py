"""The PostgreSQL of the tests: one server, one migrated template, one database per process.

The server keeps its data in memory where there is enough of it, so that making a database of the
template takes some 15 ms and emptying one takes less than one.

Fixtures:
- `database_url`: the database of this test process, empty. For nearly everything.
- `fresh_database_url`: a database for one test, for what emptying would not undo.
- `postgres`: the server itself; `postgres.database()` gives further databases as a context.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from alembic import command
from psycopg import sql

from guilder_server.embedded import PostgresServer
from guilder_server.postgres.migrate import _config

TEMPLATE = "guilder_template"
_MEMORY = Path("/dev/shm")
_NEEDED_BYTES = 1 << 30
_FOLDER_PREFIX = "guilder-tests-"
_TEMPLATE_LOCK = 20_260_101


class TestDatabases:
    """Databases on a running server, which another process may have started."""

    __test__ = False

    def __init__(self, socket_dir: str) -> None:
        self._host = quote(socket_dir, safe="")

    def url_of(self, database: str, role: str = "guilder") -> str:
        return f"postgresql://{role}@/{database}?host={self._host}"

    def superuser_connection(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url_of(database, "postgres"), autocommit=True)

    def create(self, name: str) -> str:
        """A new database with the current schema; its URL."""
        self._ensure_template()
        with self.superuser_connection() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER guilder TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )
        return self.url_of(name)

    def drop(self, name: str) -> None:
        with self.superuser_connection() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    @contextmanager
    def database(self) -> Iterator[str]:
        """A database of its own for as long as the context lasts."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        url = self.create(name)
        try:
            yield url
        finally:
            self.drop(name)

    @contextmanager
    def of_version(self, revision: str) -> Iterator[str]:
        """A database as that migration left it, empty and to be upgraded."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with self.superuser_connection() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER guilder TEMPLATE template0")
        try:
            url = self.url_of(name)
            command.upgrade(_config(url), revision)
            yield url
        finally:
            self.drop(name)

    def empty(self, name: str) -> None:
        """Delete every row, whatever triggers and references say, except what migrations put in."""
        with self.superuser_connection(name) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in self._filled_by_tests(connection):
                connection.execute(sql.SQL("DELETE FROM {}").format(table))

    @staticmethod
    def _filled_by_tests(connection: psycopg.Connection) -> list[sql.Identifier]:
        rows = connection.execute(
            """
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM 'tests: seeded'
            """
        ).fetchall()
        return [sql.Identifier(schema, table) for schema, table in rows]

    def _ensure_template(self) -> None:
        """Migrate a template, once for all the processes of this test session."""
        from guilder_server.postgres.migrate import upgrade

        with self.superuser_connection() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
            found = connection.execute(
                "SELECT datallowconn FROM pg_database WHERE datname = %s", [TEMPLATE]
            ).fetchone()
            if found and not found[0]:
                return
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER guilder STRATEGY FILE_COPY")
            upgrade(self.url_of(TEMPLATE))
            with self.superuser_connection(TEMPLATE) as template:
                self._mark_seeded(template)
            # Closed for connections: finished, and nobody can be in the way of a copy.
            connection.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")

    def _mark_seeded(self, template: psycopg.Connection) -> None:
        for table in self._filled_by_tests(template):
            row = template.execute(
                sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)
            ).fetchone()
            if row and row[0]:
                template.execute(sql.SQL("COMMENT ON TABLE {} IS 'tests: seeded'").format(table))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server on a folder that goes when it stops."""
    place = _roomy_place()
    _remove_abandoned(place)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=place))
    server = PostgresServer(folder / "postgres", durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _roomy_place() -> Path:
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        space = os.statvfs(_MEMORY)
        if space.f_bavail * space.f_frsize >= _NEEDED_BYTES:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _remove_abandoned(place: Path) -> None:
    """Folders of test sessions that were killed would fill the memory."""
    for folder in place.glob(f"{_FOLDER_PREFIX}*"):
        lock = folder / "postgres.lock"
        if folder.stat().st_uid != os.geteuid() or not lock.exists():
            continue
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[TestDatabases]:
    shared = getattr(request.config, "workerinput", {}).get("postgres_socket_dir")
    if shared is not None:
        yield TestDatabases(shared)
        return
    with running_server() as server:
        yield TestDatabases(str(server.socket_dir))


@pytest.fixture(scope="session")
def _process_database(postgres: TestDatabases, request: pytest.FixtureRequest) -> Iterator[str]:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"test_{worker}"
    postgres.create(name)
    yield name
    postgres.drop(name)


@pytest.fixture
def database_url(postgres: TestDatabases, _process_database: str) -> str:
    postgres.empty(_process_database)
    return postgres.url_of(_process_database)


@pytest.fixture
def fresh_database_url(postgres: TestDatabases) -> Iterator[str]:
    with postgres.database() as url:
        yield url
