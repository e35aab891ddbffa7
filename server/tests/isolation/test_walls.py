"""What stands in the database: every table of tenants has its policies, and no connection of the
server is above them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
import pytest

from guilder_server.capabilities import SCHEMA
from guilder_server.commands.walls import gaps
from guilder_server.postgres.isolation import COMMITS, JOBS, PEOPLE, REQUESTS, ROLES, isolate
from guilder_server.postgres.pool import (
    Connection,
    Pool,
    RoleNotTaken,
    _configure,
    session,
)

_ROOTS = {"accounts", "organizations", "tenants"}
# What belongs to people, with the indirect ways to it in the migration that walls it off.
_OF_PEOPLE = {
    "identities",
    "invitations",
    "memberships",
    "password_resets",
    "recovery_codes",
    "sessions",
    "sign_in_attempts",
    "sign_in_states",
    "users",
}
# The operator, who has no rows of their own, sees these of everybody.
_FOR_THE_OPERATOR = {"api_keys", "audit_blocks", "credential_uses", "usage_counters"}
_OWN = (
    "((tenant_id + 0) = ANY (( SELECT (NULLIF(current_setting('guilder.tenants'::text, true), "
    "''::text))::bigint[] AS \"nullif\")::bigint[]))"
)
_SETTING = "SELECT current_setting('guilder.tenants', true)"

Lend = Callable[[Pool], AbstractAsyncContextManager[Connection]]
FOR_REQUESTS = {
    "lookup": lambda pool: pool.lookup([1], ()),
    "point": lambda pool: pool.point([1]),
    "query": lambda pool: pool.query(1),
    "snapshot": lambda pool: pool.snapshot(1),
    "transaction": lambda pool: pool.transaction([1]),
}
FOR_JOBS = {"job": lambda pool: pool.jobs.point(), "job query": lambda pool: pool.jobs.query()}
LENT: dict[str, Lend] = {**FOR_REQUESTS, **FOR_JOBS, "people": lambda pool: pool.people()}


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Pool]:
    pool = Pool(url, points=1, queries=1, readings=1)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


def add_customers(url: str) -> None:
    """One of each of two tenants."""
    with psycopg.connect(url) as connection:
        for tenant in (1, 2):
            connection.execute(_customer(tenant))


def _customer(tenant: int, id: str = "cus_1") -> str:
    return (
        "INSERT INTO customers (tenant_id, id, version, created, invoice_prefix, "
        "preferred_locales, tax_exempt, metadata, deleted) "
        f"VALUES ({tenant}, '{id}', 1, now(), 'A', '[]', 'none', '{{}}', false)"
    )


async def rows(connection: Connection, statement: str) -> list[Any]:
    return await (await connection.execute(statement)).fetchall()


def test_every_table_of_tenants_has_its_policies(fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        walled = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        ).fetchall()
        policies = connection.execute(
            "SELECT tablename, policyname, roles::text[], permissive, cmd, qual, with_check "
            "FROM pg_policies ORDER BY 1, 2"
        ).fetchall()
    of_tenants = {
        table.name for table in SCHEMA.sorted_tables if "tenant_id" in table.columns
    } | _ROOTS
    assert {name for (name,) in walled} == of_tenants | _OF_PEOPLE, "say `isolate` for the new one"
    by_table = {
        table: {name: rest for of, name, *rest in policies if of == table}
        for table in of_tenants | _OF_PEOPLE
    }
    for table, found in by_table.items():
        assert found["operators"] == [["guilder"], "PERMISSIVE", "ALL", "true", None], table
        assert found.get("jobs") in (None, [[JOBS], "PERMISSIVE", "ALL", "true", None]), table
    for table in of_tenants:
        roles, *rest = by_table[table]["tenants"]
        assert sorted(roles) == sorted([REQUESTS, COMMITS]), table
        seen_by_people = table in {"accounts", "tenants", "audit_blocks"}
        assert by_table[table].keys() - {"operators", "jobs", "tenants"} == (
            {"people"} if seen_by_people else set()
        )
        if table in _FOR_THE_OPERATOR:
            assert rest[2].startswith(f"({_OWN} OR (0 = ANY"), table
        elif table not in _ROOTS:
            assert rest == ["PERMISSIVE", "ALL", _OWN, None], table
    for table in _OF_PEOPLE:
        assert by_table[table].keys() - {"operators", "jobs"} == {"people"}, table
    conditions = {
        (table, found["people"][2], found["people"][3] or found["people"][4])
        for table, found in by_table.items()
        if "people" in found
    }
    assert {found["people"][0][0] for found in by_table.values() if "people" in found} == {PEOPLE}
    # All of them come down to what is named, and none says that everything is seen.
    for table, command, condition in conditions:
        assert "guilder.about" in condition or "EXISTS ( SELECT" in condition, table
        assert command == ("INSERT" if table == "audit_blocks" else "ALL"), table


def test_the_statements_for_a_table_are_these() -> None:
    """Migrations that were released say them; should they change, so must those."""
    own = (
        "tenant_id + 0 = ANY ((SELECT nullif(current_setting('guilder.tenants', true), '')"
        "::bigint[])::bigint[])"
    )
    assert isolate("crates", commits="INSERT", jobs="SELECT, DELETE") == [
        "ALTER TABLE crates ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE crates FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenants ON crates TO guilder_requests, guilder_commits USING ({own})",
        "CREATE POLICY operators ON crates TO CURRENT_USER USING (true)",
        "CREATE POLICY jobs ON crates TO guilder_jobs USING (true)",
        "GRANT SELECT ON crates TO guilder_requests",
        "GRANT INSERT ON crates TO guilder_commits",
        "GRANT SELECT, DELETE ON crates TO guilder_jobs",
    ]


def test_the_roles_own_nothing_and_are_above_nothing(fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, "
            "EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) "
            "FROM pg_roles r WHERE rolname = ANY(%s)",
            [list(ROLES)],
        ).fetchall()
        allowed = connection.execute(
            "SELECT DISTINCT grantee, privilege_type FROM information_schema.table_privileges "
            "WHERE grantee = ANY(%s)",
            [list(ROLES)],
        ).fetchall()
    assert sorted(found) == [(role, False, False, False, False, False) for role in sorted(ROLES)]
    assert {what for role, what in allowed if role == REQUESTS} == {"SELECT"}
    assert {what for _, what in allowed} == {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.mark.anyio
@pytest.mark.parametrize("login", ["guilder", "postgres"])
async def test_no_connection_is_the_owner_or_above_policies(database_url: str, login: str) -> None:
    url = database_url.replace("guilder@", f"{login}@")
    who = """
        SELECT rolname, rolsuper OR rolbypassrls, EXISTS (
            SELECT FROM pg_class WHERE relowner = r.oid AND relname = 'customers'
        ) FROM pg_roles r WHERE rolname = current_user
    """
    async with opened(url) as pool:
        for name, lend in LENT.items():
            async with lend(pool) as connection:
                [(role, above, owner)] = await rows(connection, who)
                assert role in ROLES
                assert (role == JOBS) == (name in FOR_JOBS)
                assert not above
                assert not owner
    alone = await session(url, "")
    async with alone:
        assert await rows(alone, "SELECT current_user") == [(JOBS,)]


@pytest.mark.anyio
async def test_a_connection_that_has_not_taken_its_role_is_not_lent(database_url: str) -> None:
    """As when a pooler in between drops the option: it would see everything."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
    async with connection:
        with pytest.raises(RoleNotTaken, match="works as guilder and not as guilder_requests"):
            await _configure(connection, REQUESTS)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", FOR_REQUESTS)
async def test_only_the_rows_of_those_who_are_named_are_seen(database_url: str, kind: str) -> None:
    add_customers(database_url)
    async with opened(database_url) as pool:
        async with FOR_REQUESTS[kind](pool) as connection:
            assert await rows(connection, "SELECT tenant_id FROM customers") == [(1,)]
        async with pool.point(()) as connection:
            assert await rows(connection, "SELECT tenant_id FROM customers") == []
        async with pool.point([2, 1]) as connection:
            found = await rows(connection, "SELECT tenant_id FROM customers ORDER BY 1")
            assert found == [(1,), (2,)]


@pytest.mark.anyio
@pytest.mark.parametrize("role", [REQUESTS, COMMITS])
async def test_without_the_setting_there_is_no_row(database_url: str, role: str) -> None:
    add_customers(database_url)
    counted = "SELECT count(*) FROM customers"
    async with await psycopg.AsyncConnection.connect(
        database_url, autocommit=True, options=f"-c role={role}"
    ) as connection:
        assert await rows(connection, counted) == [(0,)]
        async with connection.transaction():
            await connection.execute("SELECT set_config('guilder.tenants', '{1}', true)")
            assert await rows(connection, counted) == [(1,)]
        # It is empty now, and no longer unset.
        assert await rows(connection, _SETTING) == [("",)]
        assert await rows(connection, counted) == [(0,)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "ends", ["well", "with an error", "with an error of PostgreSQL", "cut short"]
)
@pytest.mark.parametrize("kind", FOR_REQUESTS)
async def test_nothing_of_who_borrowed_before_is_in_force(
    database_url: str, kind: str, ends: str
) -> None:
    async def borrow(pool: Pool) -> int:
        async with FOR_REQUESTS[kind](pool) as connection:
            pid = connection.info.backend_pid
            assert await rows(connection, _SETTING) == [("{1}",)]
            if ends == "with an error":
                raise ZeroDivisionError
            if ends == "with an error of PostgreSQL":
                await rows(connection, "SELECT 1 / 0")
            if ends == "cut short":
                async with asyncio.timeout(0.1):
                    await rows(connection, "SELECT pg_sleep(10)")
        return pid

    async with opened(database_url) as pool:
        try:
            await borrow(pool)
        except (ZeroDivisionError, psycopg.errors.DivisionByZero, TimeoutError):
            assert ends != "well"
        lender = {
            "lookup": pool._lookups,
            "point": pool._points,
            "query": pool._queries,
            "snapshot": pool._readings,
            "transaction": pool._commits,
        }[kind]
        async with lender.connection() as connection:
            assert await rows(connection, _SETTING) in ([("",)], [(None,)])
            assert await rows(connection, "SELECT count(*) FROM customers") == [(0,)]


@pytest.mark.anyio
async def test_a_row_for_who_is_not_in_the_batch_is_refused(database_url: str) -> None:
    add_customers(database_url)

    async def write(pool: Pool, *statements: str) -> None:
        async with pool.transaction([1]) as connection:
            for statement in statements:
                await connection.execute(statement)

    async with opened(database_url) as pool:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            await write(pool, _customer(1, "cus_own"), _customer(2, "cus_other"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            await write(pool, "UPDATE customers SET tenant_id = 2")
        await write(pool, "UPDATE customers SET name = 'changed'")
        async with pool.point([1, 2]) as connection:
            found = await rows(connection, "SELECT tenant_id, id, name FROM customers ORDER BY 1")
        assert found == [(1, "cus_1", "changed"), (2, "cus_1", None)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("point", "DELETE FROM customers"),
        ("query", "UPDATE customers SET name = 'x'"),
        ("transaction", "DELETE FROM customers"),
        ("transaction", "UPDATE ledger_entries SET amount = 1"),
        ("transaction", "TRUNCATE customers"),
        ("job", "UPDATE charges SET amount = 1"),
        ("job", "INSERT INTO ledger_entries DEFAULT VALUES"),
        ("job", "SELECT FROM api_keys"),
    ],
)
async def test_a_role_may_do_what_it_needs_and_no_more(
    database_url: str, kind: str, statement: str
) -> None:
    async def try_it(pool: Pool) -> None:
        async with LENT[kind](pool) as connection:
            await connection.execute(statement)

    async with opened(database_url) as pool:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            await try_it(pool)


@pytest.mark.anyio
async def test_a_key_lets_see_itself_and_whose_it_is(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO organizations (id, version, created, metadata) "
            "VALUES ('org_1', 1, now(), '{}')"
        )
        for number in (1, 2):
            connection.execute(
                "INSERT INTO accounts (id, created, country, default_currency, timezone, metadata, "
                "organization_id) VALUES (%s, now(), 'US', 'usd', 'UTC', '{}', 'org_1')",
                [f"acct_{number}"],
            )
            connection.execute(
                "INSERT INTO tenants (id, account_id, livemode) VALUES (%s, %s, false)",
                [number, f"acct_{number}"],
            )
            connection.execute(
                "INSERT INTO api_keys (tenant_id, id, hash, kind, last4, created) "
                "VALUES (%s, 'key_1', %s, 'secret', '1234', now())",
                [number, bytes([number, 0, 0x5C, 0x22, 255])],
            )
    everything = (
        "SELECT (SELECT count(*) FROM api_keys), (SELECT min(id) FROM tenants), "
        "(SELECT count(*) FROM tenants), (SELECT string_agg(id, ' ') FROM accounts)"
    )
    async with opened(database_url) as pool:
        async with pool.lookup((), [bytes([2, 0, 0x5C, 0x22, 255]), b"none"]) as connection:
            assert await rows(connection, everything) == [(1, 2, 1, "acct_2")]
        async with pool.point([1]) as connection:
            assert await rows(connection, everything) == [(1, 1, 1, "acct_1")]
        async with pool.point(()) as connection:
            assert await rows(connection, everything) == [(0, None, 0, None)]


@pytest.mark.parametrize(
    ("done", "told"),
    [
        ("ALTER TABLE charges NO FORCE ROW LEVEL SECURITY", "without row-level security: charges"),
        ("DROP POLICY tenants ON wallets", "without row-level security: wallets"),
        ("DROP POLICY people ON sessions", "without row-level security: sessions"),
        ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "without row-level security: users"),
        ("CREATE TABLE loans (tenant_id BIGINT)", "without row-level security: loans"),
        ("ALTER POLICY operators ON events TO guilder_jobs", "owns 1 table"),
    ],
)
def test_a_hole_in_the_walls_is_found(fresh_database_url: str, done: str, told: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        assert gaps(connection) == []
        connection.execute(done)
        [gap] = gaps(connection)
    assert gap.status == "fail"
    assert told in gap.detail
