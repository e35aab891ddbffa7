"""Migrations lead to the schema that the code declares, and know where a database stands."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from guilder_server.capabilities import SCHEMA
from guilder_server.postgres.migrate import NewerDatabase, pending, upgrade
from tests.support.postgres import TestDatabases

PEOPLE = {
    *("identities", "invitations", "memberships", "sessions", "users"),
    *("sign_in_attempts", "sign_in_states"),
    *("password_resets", "recovery_codes"),
}
_CATALOG = {
    "tables": """
        SELECT c.relname, c.reloptions, obj_description(c.oid, 'pg_class')
        FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
    """,
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), l.collname,
               a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
               col_description(c.oid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
    """,
    "constraints": """
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    """,
    "indexes": """
        SELECT i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    """,
}


@pytest.fixture
def empty_url(postgres: TestDatabases) -> Iterator[str]:
    with _empty_database(postgres) as url:
        yield url


@contextmanager
def _empty_database(postgres: TestDatabases) -> Iterator[str]:
    """A database without any table of ours."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with postgres.superuser_connection() as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER guilder TEMPLATE template0")
    try:
        yield postgres.url_of(name)
    finally:
        postgres.drop(name)


def _engine(url: str) -> sa.Engine:
    driver = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(driver, poolclass=sa.NullPool)


def _catalog(url: str) -> dict[str, list[Any]]:
    """What PostgreSQL knows of our tables, Alembic's own left out."""
    with psycopg.connect(url) as connection:
        return {
            kind: sorted(
                connection.execute(
                    f"{query} AND c.relnamespace = 'public'::regnamespace"
                    if "WHERE" in query
                    else f"{query} WHERE c.relnamespace = 'public'::regnamespace"
                ).fetchall(),
                key=repr,
            )
            for kind, query in _CATALOG.items()
        }


def _without_alembic(catalog: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        kind: [row for row in rows if not row[0].startswith("alembic_")]
        for kind, rows in catalog.items()
    }


def test_the_migrated_schema_is_the_declared_one(fresh_database_url: str, empty_url: str) -> None:
    SCHEMA.create_all(_engine(empty_url))
    migrated, declared = _without_alembic(_catalog(fresh_database_url)), _catalog(empty_url)
    for kind, rows in declared.items():
        assert migrated[kind] == rows, kind


def test_alembic_finds_nothing_left_to_migrate(fresh_database_url: str) -> None:
    with _engine(fresh_database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, SCHEMA) == []


def test_an_empty_database_lacks_every_migration_and_an_upgraded_one_none(empty_url: str) -> None:
    missing = pending(empty_url)
    assert missing
    assert missing == sorted(missing)
    upgrade(empty_url)
    assert pending(empty_url) == []


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    upgrade(empty_url)
    before = _catalog(empty_url)
    upgrade(empty_url)
    assert _catalog(empty_url) == before


def test_a_database_of_a_newer_version_is_left_alone(empty_url: str) -> None:
    upgrade(empty_url)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = _catalog(empty_url)
    with pytest.raises(NewerDatabase, match="9999"):
        pending(empty_url)
    with pytest.raises(NewerDatabase, match="Install that version"):
        upgrade(empty_url)
    assert _catalog(empty_url) == before


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(upgrade, empty_url) for _ in range(4)]:
            done.result()
    assert pending(empty_url) == []
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute("SELECT count(*) FROM alembic_version").fetchall()
    assert rows == [(1,)]


def test_every_table_belongs_to_a_tenant_first(fresh_database_url: str) -> None:
    """Only the tables that tenants come from are keyed by anything else, those of no tenant, and
    those of people, who are of accounts or of nobody."""
    roots = {"accounts", "oauth_signing_keys", "organizations", "tenants"}
    people = {table for table in SCHEMA.sorted_tables if table.name in PEOPLE}
    for table in set(SCHEMA.sorted_tables) - people:
        first = next(iter(table.primary_key.columns)).name
        assert (first == "tenant_id") == (table.name not in roots), table.name
        for reference in table.foreign_key_constraints:
            if reference.referred_table.name not in roots:
                assert reference.column_keys[0] == "tenant_id", table.name
