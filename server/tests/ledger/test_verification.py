"""`guilder ledger verify` says yes to a sound ledger, and names what is wrong with any other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from guilder_server.ledger.verification import PROOFS, verify
from guilder_server.ledger.verification.chain import CHECKPOINTS, COVERED, ROWS
from tests.ledger.a_day import live, refund_status
from tests.ledger.tampering import TAMPERING
from tests.support.api import Api, ApiServer
from tests.support.chained import chained
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.servers import run_guilder

pytestmark = pytest.mark.anyio

Said = Callable[[], tuple[list[str], str]]


@pytest.fixture(scope="module")
def sound(postgres: TestDatabases) -> Iterator[str]:
    """The name of a database with the books of two merchants, closed for connections."""
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        merchants = [Api(server.url, server.open_account()) for _ in range(2)]
        for api, refund in [(api, live(api)) for api in merchants]:
            assert eventually(lambda: refund_status(api, refund) == "failed")  # noqa: B023
            api.close()
        server.stop()
        yield url.rsplit("/", 1)[1].split("?")[0]


class Books:
    """A copy of sound books, to do with as one likes."""

    def __init__(self, postgres: TestDatabases, name: str) -> None:
        self._postgres, self._name = postgres, name
        self.url = postgres.url_of(name)

    def superuser(self) -> psycopg.Connection:
        return self._postgres.superuser_connection(self._name)

    def one(self, query: str) -> str:
        with self.superuser() as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return str(row[0])

    def first_difference(self) -> tuple[str, str]:
        """What the rows of the ledger say of each other: the first claim that does not hold."""
        with self.superuser() as connection:
            for proof in PROOFS:
                if (row := connection.execute(proof.differences).fetchone()) is not None:
                    return proof.claim, row[0]
        return "", ""

    def tamper(self, statement: str) -> None:
        """Change one row as nobody can who keeps to the constraints."""
        with self.superuser() as connection:
            connection.execute("SET session_replication_role = replica")
            for table, name in connection.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint "
                "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
            ).fetchall():
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            changed = connection.execute(statement)
            assert changed.rowcount == 1, f"{changed.rowcount} rows: {statement}"


@pytest.fixture
def books(postgres: TestDatabases, sound: str) -> Iterator[Books]:
    name = f"books_{uuid.uuid4().hex[:12]}"
    with postgres.superuser_connection() as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER guilder TEMPLATE {sound}")
    yield Books(postgres, name)
    postgres.drop(name)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def read() -> tuple[list[str], str]:
        printed = capsys.readouterr()
        # The server that tests share goes on beside this one, and logs lines of JSON.
        complaint = [line for line in printed.err.splitlines() if not line.startswith('{"')]
        return printed.out.splitlines(), "\n".join(complaint).strip()

    return read


async def test_sound_books_are_found_sound(books: Books, said: Said) -> None:
    assert await verify(books.url) == 0
    lines, complaint = said()
    assert complaint == ""
    assert [line.split(":")[0] for line in lines[:3]] == ["eur", "jpy", "usd"]
    claims = [line for line in lines[3:] if not line.startswith(" ")]
    expected = [ROWS, COVERED.claim, CHECKPOINTS, *(proof.claim for proof in PROOFS)]
    assert claims == [*(f"ok      {claim}" for claim in expected), "The ledger is sound."]
    for line in lines[:3]:
        debits, credited = line.split("debits ")[1].split(", credits ")
        assert int(debits) == int(credited) > 0


async def test_books_without_a_payment_are_sound(database_url: str, said: Said) -> None:
    assert await verify(database_url) == 0
    assert said()[0][-1] == "The ledger is sound."


async def test_a_database_without_a_ledger_is_not_called_sound(
    postgres: TestDatabases, said: Said
) -> None:
    assert await verify(postgres.url_of("postgres")) == 1
    assert "no ledger" in said()[1]


@pytest.mark.parametrize(("statement", "claim", "name"), TAMPERING.values(), ids=TAMPERING.keys())
async def test_tampering_is_found_and_named(
    books: Books,
    said: Said,
    statement: str,
    claim: str,
    name: str,
) -> None:
    expected = books.one(name)
    books.tamper(statement)
    broken, sentence = books.first_difference()
    assert broken == claim
    assert expected in sentence
    # The chain may have found it before the sums were looked at.
    assert await verify(books.url) == 1
    lines, complaint = said()
    assert lines[-1].startswith("FAILED  ")
    assert complaint.startswith("guilder: ")


async def test_every_proof_has_been_seen_to_fail() -> None:
    assert {claim for _, claim, _ in TAMPERING.values()} == {proof.claim for proof in PROOFS}


async def test_money_that_never_was_is_found_even_if_it_adds_up(books: Books, said: Said) -> None:
    """A second transaction for a charge, with entries, balances and versions all in order."""
    with books.superuser() as connection:
        connection.execute(
            """
            WITH model AS (SELECT * FROM ledger_transactions WHERE kind = 'charge' LIMIT 1),
            posted AS (
                INSERT INTO ledger_transactions SELECT tenant_id, 'txn_second', kind, source,
                    created, available, currency FROM model
            ),
            moved AS (
                UPDATE ledger_accounts a SET balance = a.balance + e.amount, version = a.version + 1
                FROM ledger_entries e, model m
                WHERE (e.tenant_id, e.transaction_id) = (m.tenant_id, m.id)
                  AND (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
                RETURNING a.tenant_id, a.id, a.version, e.amount, a.balance, a.posted_at
            )
            INSERT INTO ledger_entries
            SELECT tenant_id, id, version, 'txn_second', amount, balance, posted_at FROM moved
            """
        )
    broken, sentence = books.first_difference()
    assert broken == "what charges captured is in the ledger"
    assert "charge ch_" in sentence
    assert await verify(books.url) == 1
    assert said()[1].endswith("txn_second of tenant 1 is in no block")


def test_the_command_answers_with_its_exit_code(books: Books) -> None:
    settings = {"GUILDER_DATABASE_URL": books.url}
    sound = run_guilder("ledger", "verify", settings=settings)
    assert (sound.returncode, "none is there: `guilder worker`" in sound.stdout) == (0, True)
    books.tamper(
        "UPDATE ledger_accounts SET balance = 0 WHERE id = (SELECT min(id) FROM ledger_accounts)"
    )
    failed = run_guilder("ledger", "verify", settings=settings)
    assert failed.returncode == 1
    assert "FAILED" in failed.stdout
    assert failed.stderr.startswith("guilder: account ")


async def test_a_hundred_thousand_entries_are_proved_in_seconds(
    fresh_database_url: str, said: Said
) -> None:
    """Not a measurement: it finds a proof that walks one table for each row of another, be it
    before the planner has its statistics or after."""
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        connection.execute(Path(__file__).with_name("many_payments.sql").read_text())
        connection.execute(
            "INSERT INTO ledger_backlog SELECT tenant_id, id FROM ledger_transactions"
        )
        for _ in range(2):
            began = time.monotonic()
            assert await verify(fresh_database_url) == 0
            assert time.monotonic() - began < 30
            await chained(fresh_database_url)
            connection.execute("ANALYZE")
    assert "usd: 41 accounts, 100000 entries" in said()[0][0]
