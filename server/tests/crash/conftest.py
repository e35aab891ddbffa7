"""A PostgreSQL that loses nothing when it is killed, and databases on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from guilder_server.embedded import PostgresServer
from guilder_server.postgres.migrate import upgrade


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """As in production: every commit is on the disk before it is answered."""
    folder = Path(tempfile.mkdtemp(prefix="guilder-crash-"))
    try:
        with PostgresServer(folder / "postgres", settings={"shared_buffers": "64MB"}) as server:
            upgrade(server.url)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def durable_url(durable_postgres: PostgresServer) -> str:
    """Its database, with nothing in it of an earlier test."""
    with psycopg.connect(durable_postgres.url) as connection:
        tables = connection.execute(
            "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]} CASCADE")
    return durable_postgres.url
