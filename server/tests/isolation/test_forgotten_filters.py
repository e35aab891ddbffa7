"""Statements that have lost their filter answer nothing of others, and write nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from tests.api_input.test_other_tenants import LISTED, absent, assert_same, kind_of
from tests.isolation.forgetting import Forgotten, forget, forgetful
from tests.support.api import Answer, Api, ApiServer
from tests.support.contract import OPERATIONS, Operation
from tests.support.people import Visitor, joined
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.world import World, populate

READS = [one for one in OPERATIONS.values() if one.method == "GET"]
WITH_PATHS = [one for one in OPERATIONS.values() if one.path_parameters]
# Of these nothing but the tenant says whose they are.
WHOLE = [
    one
    for one in READS
    if not one.path_parameters and (one.id in LISTED or one.id.startswith("search_"))
]
# Only a person has any.
OF_A_PERSON = {"list_sessions", "retrieve_current_session"}
_TABLES = "SELECT relname FROM pg_class WHERE relrowsecurity ORDER BY relname"
# Written by the server in its own time, after whatever they have asked for.
_LATER = ("credential_uses", "request_logs", "usage_counters")
# How a row says whose it is; the tables that have none of these are looked at with their people.
_OWNED = """
SELECT table_name, max(column_name) FROM information_schema.columns
WHERE column_name IN ('tenant_id', 'account_id') AND table_name NOT IN ('tenants', 'sign_in_states')
GROUP BY table_name ORDER BY table_name
"""
_PEOPLE = """
SELECT 'people', md5(string_agg(concat(u::text, s::text, i::text), '' ORDER BY u.id, s.id))
FROM memberships m JOIN users u ON u.id = m.user_id
LEFT JOIN sessions s ON s.user_id = u.id LEFT JOIN identities i ON i.user_id = u.id
WHERE m.account_id = %s
"""


@dataclass(frozen=True)
class Two:
    """Accounts in which the same has happened."""

    url: str
    mine: World
    theirs: World
    person: Visitor  # an owner of mine, who has signed in

    def read(self, operation: Operation) -> Answer:
        """My answer to it, by key where a key has one."""
        if operation.id in OF_A_PERSON:
            return self.person.ask("GET", operation.path)
        return ask(self.mine, operation)

    def theirs_in_full(self) -> list[tuple[str, str]]:
        """A digest of all their rows, by table."""
        with psycopg.connect(self.url) as connection:
            found = [
                (table, self._digest(connection, table, column))
                for table, column in connection.execute(_OWNED).fetchall()
                if table not in _LATER
            ]
            people = connection.execute(_PEOPLE, [self.theirs.api.account.account]).fetchall()
            return [*found, *people]

    def _digest(self, connection: psycopg.Connection, table: str, column: str) -> str:
        account = self.theirs.api.account
        whose = account.tenant_id if column == "tenant_id" else account.account
        rows = sql.SQL(
            "SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM {} r WHERE {} = {}"
        ).format(sql.Identifier(table), sql.Identifier(column), whose)
        [(digest,)] = connection.execute(rows).fetchall()
        return str(digest)


@pytest.fixture(scope="module")
def two(postgres: TestDatabases) -> Iterator[Two]:
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        clients = [Api(server.url, server.open_account()) for _ in range(2)]
        person, _ = joined(url, server.url, clients[0].account.account)
        yield Two(url, *(populate(client, url) for client in clients), person)
        for client in clients:
            client.close()
        server.stop()


@pytest.fixture
def forgotten() -> Iterator[Forgotten]:
    with forgetful() as forgotten:
        yield forgotten


def ask(world: World, operation: Operation, **ids: str) -> Answer:
    """The operation on an object of `world`, or on those that are named."""
    named = {one: world.ids[kind_of(operation, one)] for one in operation.path_parameters}
    path = operation.path.format_map(named | ids)
    params = world.params(operation) | ({"limit": 100} if operation in WHOLE else {})
    return world.api.send(operation.method, path, params)


def leaked(answer: Answer, theirs: World) -> set[str]:
    text = answer.content.decode()
    if '"object":"request_log"' in text.replace(" ", ""):
        # Who has asked for what others have finds that in their own log.
        logs = answer.body.get("data", [answer.body])
        text = str([(log["id"], log["actor"]) for log in logs])
    return {id for id in theirs.ids.values() if id in text}


def test_what_is_forgotten_is_every_condition_on_the_tenant(two: Two, forgotten: Forgotten) -> None:
    for operation in READS:
        two.read(operation)
    assert forgotten.remembered == set()
    # Each table that requests read has lost it somewhere.
    said = " ".join(map(forget, forgotten.statements))
    payments = ("customers", "charges", "events", "ledger_entries", "wallets", "payouts")
    for table in (*payments, "memberships", "invitations", "sessions"):
        assert table in said


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
def test_an_answer_is_the_same_without_the_filter(two: Two, operation: Operation) -> None:
    # The server writes of these requests too, in its own time: then it is asked anew.
    for _ in range(20):
        with_filter = two.read(operation)
        with forgetful() as forgotten:
            without = two.read(operation)
        if two.read(operation).content == with_filter.content:
            break
    assert with_filter.status == 200
    assert without.content == with_filter.content
    assert not leaked(without, two.theirs)
    assert forgotten.statements


@pytest.mark.parametrize("operation", WITH_PATHS, ids=lambda operation: operation.id)
def test_what_others_have_is_still_absent_and_stays_as_it_is(
    two: Two, operation: Operation, forgotten: Forgotten
) -> None:
    before = two.theirs_in_full()
    for name in operation.path_parameters:
        theirs = two.theirs.ids[kind_of(operation, name)]
        answer, nothing = (
            ask(two.mine, operation, **{name: id}) for id in (theirs, absent(theirs))
        )
        assert answer.status == 404
        assert_same(answer, theirs, nothing, absent(theirs))
    assert two.theirs_in_full() == before
    assert forgotten.remembered == set()


def test_who_reads_in_one_trip_with_others_gets_what_is_its_own(
    two: Two, forgotten: Forgotten
) -> None:
    """Each asks for its own and for the other's, all at once, so that trips carry both."""
    worlds = [(two.mine, two.theirs), (two.theirs, two.mine)] * 8
    found = [one for one in READS if len(one.path_parameters) == 1 and one.id not in LISTED]

    def read(place: int) -> list[tuple[str, int, int, set[str]]]:
        own, others = worlds[place]
        client = Api(own.api.url, own.api.account)
        heard = []
        for operation in found[place % 3 :: 3]:
            [name] = operation.path_parameters
            foreign = others.ids[kind_of(operation, name)]
            world = World(client, own.ids, own.client_secrets)
            good, bad = ask(world, operation), ask(world, operation, **{name: foreign})
            heard.append((operation.id, good.status, bad.status, leaked(good, others)))
        client.close()
        return heard

    with ThreadPoolExecutor(len(worlds)) as threads:
        answers = [one for heard in threads.map(read, range(len(worlds))) for one in heard]
    assert {(good, bad) for _, good, bad, _ in answers} == {(200, 404)}
    assert all(not leak for *_, leak in answers)
    assert forgotten.together == 2, "no trip carried both"


def test_who_pays_in_one_commit_with_others_posts_to_its_own(
    two: Two, forgotten: Forgotten
) -> None:
    worlds = [two.mine, two.theirs] * 6

    def pay(world: World) -> int:
        client = Api(world.api.url, world.api.account)
        answers = [client.pay(1000 + place, customer=world.ids["customer"]) for place in range(3)]
        client.close()
        return sum(answer["status"] == "succeeded" for answer in answers)

    before = [_pending(world) for world in (two.mine, two.theirs)]
    with ThreadPoolExecutor(len(worlds)) as threads:
        assert list(threads.map(pay, worlds)) == [3] * len(worlds)
    after = [_pending(world) for world in (two.mine, two.theirs)]
    assert after[0] - before[0] == after[1] - before[1] > 0
    assert forgotten.together == 2, "no commit carried both"


def _pending(world: World) -> int:
    return int(world.api.get("/v1/balance")["pending"][0]["amount"])


@contextmanager
def without_walls(url: str) -> Iterator[None]:
    """The database as it was before row-level security."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(_TABLES).fetchall()]

        def each(what: str) -> None:
            for table in tables:
                connection.execute(f"ALTER TABLE {table} {what} ROW LEVEL SECURITY")  # type: ignore[call-overload]

        each("DISABLE")
        try:
            yield
        finally:
            each("ENABLE")


def test_without_policies_the_same_statements_do_leak(two: Two) -> None:
    """Or the tests above would say nothing."""
    logged = two.theirs.api.get("/v1/account").headers["request-id"]  # among the newest
    assert eventually(lambda: two.theirs.api.get(f"/v1/request_logs/{logged}").status == 200)
    with without_walls(two.url), forgetful():
        kept = [one.id for one in WHOLE if not leaked(ask(two.mine, one), two.theirs)]
    # Its rows are read once more, by a lookup: what comes with another tenant is nobody's.
    assert kept == ["list_wallets"]
    with forgetful():
        kept = [one.id for one in WHOLE if leaked(ask(two.mine, one), two.theirs)]
    assert kept == []
