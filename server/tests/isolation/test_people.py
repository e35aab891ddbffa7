"""What is kept of people, without the conditions of its statements: what a statement names is all
that it sees and changes, in whichever account or of whomever the rest is."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.changes import Changes, KeyClaim, KeyTaken
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import Identity, Member, User
from guilder_server.people.domain.reset import Reset
from guilder_server.people.domain.session import Session
from guilder_server.people.domain.state import State
from guilder_server.people.infra import named
from guilder_server.people.infra.books import Books
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.postgres.isolation import PEOPLE, About, about
from guilder_server.postgres.pool import Pool
from tests.isolation.forgetting import forgetful
from tests.isolation.test_forgotten_filters import without_walls
from tests.support.api import new_account
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
IDS = Ids(SystemClock())
NAMES = ("a", "b")  # one person of each of two accounts, with the same of everything
TABLES = (
    *("users", "identities", "memberships", "invitations", "sessions"),
    *("recovery_codes", "password_resets"),
    *("sign_in_states", "sign_in_attempts", "audit_blocks"),
)
ACCOUNTS: dict[str, str] = {}
TENANTS: dict[str, Tenant] = {}


def digest(name: str, of: str) -> bytes:
    return f"{of} of {name}".encode()


def user(name: str) -> User:
    return User(f"user_{name}", NOW, f"{name}@example.com", name)


def identity(name: str) -> Identity:
    return Identity("https://issuer.example", name)


def member(name: str) -> Member:
    return Member(ACCOUNTS[name], "owner", NOW, user(name))


def invitation(name: str, id: str = "inv_1") -> Invitation:
    return Invitation(id, ACCOUNTS[name], NOW, f"{id}@{name}.example", "viewer", LATER)


def session(name: str, id: str = "1") -> Session:
    return Session(f"sess_{name}{id}", f"user_{name}", NOW, NOW, LATER, "provider")


def state(name: str) -> State:
    return State("code", b"browser", name.encode(), NOW, LATER, user_id=f"user_{name}")


def reset(name: str) -> Reset:
    return Reset(f"user_{name}", NOW, LATER)


def entry(name: str) -> AuditEntry:
    actor = Actor("user", f"user_{name}")
    return AuditEntry(IDS.new("aud"), NOW, actor, "sign_in", "user", f"user_{name}")


async def fill(books: Books, name: str) -> None:
    await books.add_user(user(name))
    await books.add_identity(identity(name), f"user_{name}", NOW)
    await books.put_member(member(name))
    await books.add_invitation(digest(name, "invitation"), invitation(name))
    await books.add_session(digest(name, "session"), session(name))
    await books.add_state(digest(name, "state"), state(name))
    await books.count_attempt(digest(name, "attempt"), NOW, timedelta(minutes=1))
    await books.add_recovery_codes(f"user_{name}", [digest(name, "code")])
    await books.put_reset(digest(name, "reset"), reset(name))
    await books.append(ACCOUNTS[name], entry(name))


Call = Callable[[Books], Awaitable[Any]]
# Everything that is read and written of people, asked by `a`.
READS: dict[str, Call] = {
    "account": lambda books: books.account(ACCOUNTS["a"]),
    "user": lambda books: books.user("user_a"),
    "user_of_email": lambda books: books.user_of_email("a@example.com"),
    "user_of_identity": lambda books: books.user_of_identity(identity("a")),
    "has_identity": lambda books: books.has_identity("user_a"),
    "member": lambda books: books.member(ACCOUNTS["a"], "user_a"),
    "member_as_is": lambda books: books.member_as_is(ACCOUNTS["a"], "user_a"),
    "members": lambda books: books.members(ACCOUNTS["a"]),
    "memberships": lambda books: books.memberships("user_a"),
    "owners": lambda books: books.owners(ACCOUNTS["a"]),
    "invitation": lambda books: books.invitation(ACCOUNTS["a"], "inv_1"),
    "invitation_of": lambda books: books.invitation_of(digest("a", "invitation")),
    "invitations": lambda books: books.invitations(ACCOUNTS["a"]),
    "invitations_to": lambda books: books.invitations_to("inv_1@a.example"),
    "sessions": lambda books: books.sessions("user_a", NOW),
    "state": lambda books: books.state(digest("a", "state")),
    "count_recovery_codes": lambda books: books.count_recovery_codes("user_a"),
    "reset": lambda books: books.reset(digest("a", "reset")),
}
CHANGES: dict[str, Call] = {
    "change_user": lambda books: books.change_user(replace(user("a"), name="other")),
    "take_step": lambda books: books.take_step("user_a", 7),
    "remove_member": lambda books: books.remove_member(ACCOUNTS["a"], "user_a"),
    "change_invitation": lambda books: books.change_invitation(
        replace(invitation("a"), revoked_at=NOW)
    ),
    "end_sessions": lambda books: books.end_sessions("user_a", NOW),
    "use_state": lambda books: books.use_state(digest("a", "state"), None, NOW),
    "forget_attempts": lambda books: books.forget_attempts(digest("a", "attempt")),
    "take_recovery_code": lambda books: books.take_recovery_code("user_a", digest("a", "code")),
    "forget_recovery_codes": lambda books: books.forget_recovery_codes("user_a"),
    "use_reset": lambda books: books.use_reset("user_a", NOW),
    "append": lambda books: books.append(ACCOUNTS["a"], entry("a")),
}
# These have no condition: they write the row that they are given.
ADDITIONS: dict[str, Call] = {
    "add_user": lambda books: books.add_user(user("c")),
    "add_identity": lambda books: books.add_identity(identity("c"), "user_a", NOW),
    "put_member": lambda books: books.put_member(replace(member("a"), role="viewer")),
    "add_invitation": lambda books: books.add_invitation(b"new", invitation("a", "inv_2")),
    "add_session": lambda books: books.add_session(b"new", session("a", "2")),
    "add_state": lambda books: books.add_state(b"new", state("a")),
    "count_attempt": lambda books: books.count_attempt(b"new", NOW, timedelta(minutes=1)),
    "add_recovery_codes": lambda books: books.add_recovery_codes("user_a", [b"new"]),
    "put_reset": lambda books: books.put_reset(b"new", reset("a")),
    "claim": lambda books: books.claim(
        Changes(TENANTS["a"], key=KeyClaim("word", b"", 200, b"", NOW))
    ),
}
# What belongs to tenants, which is read in another role than the rest.
OF_TENANTS = {"program_lasts"}


@pytest.fixture(scope="module")
def url(postgres: TestDatabases) -> Iterator[str]:
    with postgres.database() as url:
        for name in NAMES:
            made = new_account(url)
            ACCOUNTS[name] = made.account
            TENANTS[name] = Tenant(made.tenant_id, made.account, livemode=False)
        yield url


@pytest.fixture(scope="module")
async def pool(url: str) -> AsyncIterator[Pool]:
    pool = Pool(url, points=1, queries=1)
    await pool.open()
    async with PostgresPeople(pool).transaction() as people:
        assert isinstance(people, Books)
        for name in NAMES:
            await fill(people, name)
    yield pool
    await pool.close()


class Undone(Exception):
    pass


@asynccontextmanager
async def undone(pool: Pool) -> AsyncIterator[tuple[Books, Any]]:
    """All of it is taken back."""
    try:
        async with pool.people() as connection, connection.transaction():
            yield Books(connection), connection
            raise Undone
    except Undone:
        pass


async def kept_of(name: str, connection: Any) -> dict[str, list[str]]:
    """Their rows by table, as whoever migrates sees them within the transaction."""
    signs = (ACCOUNTS[name], f"user_{name}", f"of {name}".encode().hex())
    found = {}
    await connection.execute("SET LOCAL ROLE NONE")
    for table in TABLES:
        rows = await (await connection.execute(f"SELECT t::text FROM {table} t")).fetchall()
        found[table] = sorted(row for (row,) in rows if any(sign in row for sign in signs))
    trail = await connection.execute(
        "SELECT b.id FROM audit_blocks b JOIN tenants t ON t.id = b.tenant_id "
        "WHERE t.account_id = %s",
        [ACCOUNTS[name]],
    )
    found["audit_blocks"] = sorted(id for (id,) in await trail.fetchall())
    await connection.execute(f"SET LOCAL ROLE {PEOPLE}")
    return found


def test_each_statement_of_people_is_in_one_of_the_tables() -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(Books, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == READS.keys() | CHANGES.keys() | ADDITIONS.keys() | OF_TENANTS


@pytest.mark.parametrize("name", READS)
async def test_an_answer_about_people_is_the_same_without_its_condition(
    pool: Pool, name: str
) -> None:
    async with undone(pool) as (books, _):
        expected = await READS[name](books)
        with forgetful() as forgotten:
            assert await READS[name](books) == expected
    assert expected
    assert len(forgotten.statements) == 1
    assert forgotten.remembered == set()


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_without_its_condition_leaves_what_others_have(
    pool: Pool, name: str
) -> None:
    async with undone(pool) as (books, connection):
        mine, theirs = [await kept_of(whose, connection) for whose in NAMES]
        assert all(theirs.values())
        with forgetful() as forgotten:
            await CHANGES[name](books)
        assert await kept_of("a", connection) != mine
        assert await kept_of("b", connection) == theirs
    assert len(forgotten.statements) == 1
    assert forgotten.remembered == set()


@pytest.mark.parametrize("name", ADDITIONS)
async def test_what_is_added_adds_nothing_to_what_others_have(pool: Pool, name: str) -> None:
    async with undone(pool) as (books, connection):
        theirs = await kept_of("b", connection)
        await ADDITIONS[name](books)
        assert await kept_of("b", connection) == theirs


async def test_a_key_is_looked_for_in_its_own_account_alone(pool: Pool, url: str) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tenant_id, id FROM api_keys WHERE kind = 'secret'")
        keys = dict(rows.fetchall())
    mine, theirs = [keys[TENANTS[name].id] for name in NAMES]
    async with undone(pool) as (books, connection):
        for forgets in (False, True):
            with forgetful() if forgets else nullcontext():
                assert await books.program_lasts(ACCOUNTS["a"], mine)
                assert not await books.program_lasts(ACCOUNTS["a"], theirs)
        # The role is people's again.
        [(role,)] = await (await connection.execute("SELECT current_user")).fetchall()
        assert role == PEOPLE


async def test_a_key_is_claimed_once_and_the_role_is_peoples_again(pool: Pool) -> None:
    async with undone(pool) as (books, connection):
        await ADDITIONS["claim"](books)
        [(role,)] = await (await connection.execute("SELECT current_user")).fetchall()
        assert role == PEOPLE
        with pytest.raises(KeyTaken):
            await ADDITIONS["claim"](books)


async def test_a_session_is_found_and_noted_by_its_own_hash_and_person(pool: Pool) -> None:
    people = PostgresPeople(pool)
    mine, theirs = [await people.session(digest(name, "session")) for name in NAMES]
    assert mine is not None
    assert [place.account for place in mine.places] == [ACCOUNTS["a"]]
    with forgetful() as forgotten:
        assert await people.session(digest("a", "session")) == mine
        assert await people.session(digest("nobody", "session")) is None
        await people.note_seen(replace(mine.session, id="sess_b1"), LATER)
    assert len(forgotten.statements) == 2
    assert await people.session(digest("b", "session")) == theirs


async def test_without_policies_the_same_statements_of_people_do_leak(pool: Pool, url: str) -> None:
    """Or the tests above would say nothing."""
    several = ("members", "memberships", "owners", "invitations", "invitations_to", "sessions")
    for name in several:
        async with undone(pool) as (books, _):
            expected = await READS[name](books)
        with without_walls(url), forgetful():
            async with undone(pool) as (books, _):
                assert await READS[name](books) != expected, name


async def test_where_nothing_is_named_nothing_is_seen_nor_taken(pool: Pool) -> None:
    tables = [table for table in TABLES if table != "audit_blocks"]
    async with undone(pool) as (_, connection):
        for table in (*tables, "accounts", "tenants"):
            found = await (await connection.execute(f"SELECT count(*) FROM {table}")).fetchall()
            assert found == [(0,)], table


# Each thing that can be named, and of how many rows that says something.
NAMED = [
    (named.account("acct"), {"users": 1, "memberships": 1, "invitations": 1}),
    (
        named.person("user_a"),
        {"users": 1, "identities": 1, "memberships": 1, "sessions": 1}
        | {"recovery_codes": 1, "password_resets": 1},
    ),
    (named.email("a@example.com"), {"users": 1}),
    (named.email("inv_1@a.example"), {"invitations": 1}),
    (named.identity(identity("a")), {"users": 1, "identities": 1}),
    (named.digest(digest("a", "session")), {"users": 1, "memberships": 1, "sessions": 1}),
    (named.digest(digest("a", "invitation")), {"invitations": 1}),
    (named.digest(digest("a", "state")), {"sign_in_states": 1}),
    (named.digest(digest("a", "attempt")), {"sign_in_attempts": 1}),
    (named.digest(digest("a", "reset")), {"password_resets": 1}),
    (named.digest(digest("a", "code")), {}),
    (named.EVERYBODY, {"users": 2, "memberships": 2}),
    # What a thing of one kind is called means nothing as another.
    (("person", "acct"), {}),
    (("account", "user_a"), {}),
    (("email", "acct"), {}),
    (("identity", "a"), {}),
    (("identity", "https://issuer.example"), {}),
    ((), {}),
]


@pytest.mark.parametrize(("what", "seen"), NAMED, ids=str)
async def test_what_is_named_shows_this_much(pool: Pool, what: About, seen: dict[str, int]) -> None:
    what = tuple(ACCOUNTS["a"] if one == "acct" else one for one in what)
    async with undone(pool) as (_, connection):
        await connection.execute(*about(what))
        found = {}
        for table in (one for one in TABLES if one != "audit_blocks"):
            cursor = await connection.execute(f"SELECT count(*) FROM {table}")
            ((found[table],),) = await cursor.fetchall()
    assert {table: count for table, count in found.items() if count} == seen


REFUSED = {
    "a member": "INSERT INTO memberships VALUES (%(b)s, 'user_a', 'owner', now())",
    "a moved member": "UPDATE memberships SET account_id = %(b)s",
    "a moved invitation": "UPDATE invitations SET account_id = %(b)s",
    "a user": "INSERT INTO users (id, created, email) VALUES ('user_x', now(), 'x')",
    "a session": "INSERT INTO sessions (id, hash, user_id, created, last_seen, expires_at, factor) "
    "VALUES ('sess_x', 'x', 'user_b', now(), now(), now(), 'provider')",
    "a recovery code": "INSERT INTO recovery_codes VALUES ('user_b', 'x')",
    "a link for a password": "INSERT INTO password_resets (user_id, hash, created, expires_at) "
    "VALUES ('user_b', 'x', now(), now())",
    "a line of the trail": "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload) "
    "SELECT max(id) + 1, 'aud_x', 0, '', '' FROM tenants",
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_would_be_of_others_is_refused(pool: Pool, what: str) -> None:
    async def try_it() -> None:
        async with undone(pool) as (_, connection):
            await connection.execute(*about(named.account(ACCOUNTS["a"])))
            await connection.execute(REFUSED[what], {"b": ACCOUNTS["b"]})

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        await try_it()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM users",
        "DELETE FROM sessions",
        "UPDATE recovery_codes SET hash = 'x'",
        "DELETE FROM password_resets",
        "UPDATE identities SET subject = 'x'",
        "SELECT metadata FROM accounts",
        "SELECT count(payload) FROM audit_blocks",
        "SELECT FROM customers",
        "SELECT FROM api_keys",
        "UPDATE tenants SET livemode = true",
    ],
)
async def test_who_lets_people_in_may_do_no_more(pool: Pool, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        async with undone(pool) as (_, connection):
            await connection.execute(statement)


async def test_what_forgets_old_sessions_reads_nothing_of_them(pool: Pool) -> None:
    async with pool.jobs.query() as connection:
        for column in ("hash", "user_id", "address"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(f"SELECT {column} FROM sessions")
