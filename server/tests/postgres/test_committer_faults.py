"""When a commit goes wrong: who hears what, and what is in the database afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from structlog.testing import capture_logs

from guilder_server.embedded import PostgresServer
from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken
from guilder_server.kernel.errors import Conflict, Unavailable
from guilder_server.kernel.postings import AccountRef, LedgerTransaction, Leg
from guilder_server.postgres.committer import UnwritableChanges, _verdict_on
from guilder_server.postgres.migrate import upgrade
from guilder_server.postgres.pool import DatabaseLost
from tests.postgres.library import (
    NOW,
    SHELVES,
    STRANGER,
    TENANT,
    Book,
    Intruder,
    Library,
    Shelf,
    furnish,
    opened,
)
from tests.postgres.line import line_to

pytestmark = pytest.mark.anyio

_numbers = count(1)
_SECRET = "words that belong to somebody"


@pytest.fixture
def url(database_url: str) -> str:
    furnish(database_url)
    return database_url


@pytest.fixture
async def library(url: str) -> AsyncIterator[Library]:
    async with opened(url) as library:
        yield library


def _with_options(url: str, options: str) -> str:
    return f"{url}&options={quote(options)}"


def _shelf(words: str = "") -> Shelf:
    return Shelf(f"shf_{next(_numbers)}", 1, NOW, words)


def _new(key: str | None = None, tenant: Any = TENANT) -> Changes:
    claim = KeyClaim(key, b"print", 200, b"", NOW) if key else None
    return Changes(tenant, added=[_shelf()], key=claim)


def _payment() -> Changes:
    """A key, a row and money."""
    changes = _new(f"key_{next(_numbers)}")
    legs = (
        Leg(AccountRef("till", "usd", "debit"), 10),
        Leg(AccountRef("sales", "usd", "credit"), -10),
    )
    id = f"txn_{next(_numbers)}"
    changes.post(LedgerTransaction(id, "charge", "ch_1", NOW, NOW, "usd", legs))
    return changes


async def _outcomes(library: Library, *sets: Changes) -> list[type]:
    commits = [library.committer.commit(changes) for changes in sets]
    return [type(one) for one in await asyncio.gather(*commits, return_exceptions=True)]


async def _kept(library: Library, *sets: Changes) -> list[bool]:
    found = await library.rows("SELECT tenant_id, id FROM library_shelves")
    return [(changes.tenant.id, changes.added[0].id) in found for changes in sets]


DONE = type(None)


@dataclass(frozen=True)
class Unmapped:
    id: str
    version: int
    created: datetime


_BROKEN = {
    "an id that is taken": [_shelf()] * 2,
    "a price that its check forbids": [Book("bok_1", 1, NOW, "shf_1", -1)],
    "a reference to nothing": [Book("bok_1", 1, NOW, "shf_0", 1)],
    "a number that no column holds": [Book("bok_1", 1, NOW, "shf_1", 1 << 64)],
    "a text that PostgreSQL does not take": [_shelf("\0")],
    "a text that no encoding knows": [_shelf("\ud800")],
    "a null where there is none": [Shelf("shf_null", 1, NOW, None)],  # type: ignore[arg-type]
    "an object without a table": [Unmapped("unm_1", 1, NOW)],
}


@pytest.mark.parametrize("broken", _BROKEN.values(), ids=_BROKEN.keys())
async def test_a_set_that_breaks_the_transaction_fails_alone(
    library: Library, broken: list[Any]
) -> None:
    before, after = _payment(), _payment()
    outcomes = await _outcomes(library, before, Changes(TENANT, added=list(broken)), after)
    assert outcomes[0] is outcomes[2] is DONE
    assert issubclass(outcomes[1], Exception)
    assert not issubclass(outcomes[1], psycopg.Error)
    assert await _kept(library, before, after) == [True, True]
    # Nothing is left on the connections that would disturb who comes next.
    assert await _outcomes(library, _payment(), _payment()) == [DONE, DONE]


async def test_what_an_unwritable_set_says_names_no_value(library: Library) -> None:
    shelf = _shelf(_SECRET)
    await library.committer.commit(Changes(TENANT, added=[shelf]))
    with pytest.raises(UnwritableChanges) as refused:
        await library.committer.commit(Changes(TENANT, added=[shelf]))
    assert "library_shelves_pkey" in str(refused.value)
    assert shelf.id not in str(refused.value)
    null = Shelf("shf_null", 1, NOW, _SECRET)
    with pytest.raises(UnwritableChanges) as refused:
        await library.committer.commit(
            Changes(TENANT, added=[null, Shelf("shf_2", None, NOW, _SECRET)])  # type: ignore[arg-type]
        )
    assert _SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_row_that_its_guard_forbids_was_written_by_who_was_faster(library: Library) -> None:
    """Looking again finds the row: it is no fault of the code that asked."""
    await library.stranger.execute(
        "CREATE UNIQUE INDEX library_words_guard ON library_shelves (tenant_id, words) "
        "WHERE words LIKE 'slot %'"
    )
    try:
        taken = Changes(TENANT, added=[_shelf("slot 1")])
        await library.committer.commit(taken)
        same = Changes(TENANT, added=[_shelf("slot 1")])
        assert await _outcomes(library, same) == [GuardLost]
        # Among neighbours, and where two of one batch want the same.
        sets = [_payment(), Changes(TENANT, added=[_shelf("slot 1")]), _payment()]
        assert await _outcomes(library, *sets) == [DONE, GuardLost, DONE]
        twins = [Changes(TENANT, added=[_shelf("slot 2")]) for _ in range(2)]
        assert await _outcomes(library, *twins) == [DONE, GuardLost]
        assert await _kept(library, taken, same, *twins) == [True, False, True, False]
    finally:
        await library.stranger.execute("DROP INDEX library_words_guard")


async def test_who_is_told_of_commits_hears_of_what_is_durable_and_of_nothing_else(
    url: str,
) -> None:
    told: list[list[Changes]] = []
    async with opened(url, committed=lambda sets: told.append(list(sets))) as library:
        first, second = _payment(), _payment()
        assert await _outcomes(library, first, second) == [DONE, DONE]
        assert told == [[first, second]]
        told.clear()
        again = Changes(TENANT, key=first.key, added=[_shelf()])
        third = _payment()
        assert await _outcomes(library, again, third) == [KeyTaken, DONE]
        assert told == [[third]]
        told.clear()
        # A batch that breaks is told of set by set.
        broken, fourth = Changes(TENANT, added=[_shelf()] * 2), _payment()
        assert await _outcomes(library, broken, fourth) == [UnwritableChanges, DONE]
        assert [changes for sets in told for changes in sets] == [fourth]


async def test_who_is_told_of_commits_hears_nothing_of_what_may_be_lost(url: str) -> None:
    ending = Intruder("library_hang_up()", STRANGER)
    told: list[Changes] = []
    async with opened(url, ending, committed=told.extend) as library:
        assert await _outcomes(library, _new(tenant=STRANGER)) == [DatabaseLost]
        assert told == []


async def test_a_ledger_account_that_has_gone_is_made_again(library: Library) -> None:
    assert await _outcomes(library, _payment()) == [DONE]
    assert await _outcomes(library, _payment()) == [DONE]
    for table in ("ledger_entries", "ledger_transactions", "ledger_accounts"):
        await library.stranger.execute(f"DELETE FROM {table}")
    assert await _outcomes(library, _payment(), _payment()) == [DONE, DONE]


async def test_who_waits_too_long_for_a_row_hears_of_a_conflict(url: str) -> None:
    async with opened(_with_options(url, "-c lock_timeout=100ms")) as library:
        locked = _shelf()
        await library.committer.commit(Changes(TENANT, added=[locked]))
        waits = Changes(TENANT)
        waits.change(locked, locked)
        async with library.stranger.transaction():
            await library.stranger.execute("SELECT FROM library_shelves FOR UPDATE")
            neighbours = [_payment(), _payment()]
            outcomes = await _outcomes(library, neighbours[0], waits, neighbours[1])
        assert outcomes == [DONE, Conflict, DONE]
        assert await _kept(library, *neighbours) == [True, True]
        assert await _outcomes(library, waits) == [DONE]


async def _waited_for(library: Library) -> None:
    """Until somebody waits for a lock of the stranger's."""
    asked = "SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    for _ in range(500):
        if await (await library.stranger.execute(asked)).fetchall():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_who_is_in_a_deadlock_hears_of_a_conflict(library: Library) -> None:
    first, second = _shelf(), _shelf()
    await library.committer.commit(Changes(TENANT, added=[first, second]))
    both = Changes(TENANT)
    both.change(first, first)
    both.change(second, second)
    lock = "SELECT FROM library_shelves WHERE id = %s FOR UPDATE"
    async with library.stranger.transaction():
        await library.stranger.execute(lock, [second.id])
        waits = asyncio.create_task(_outcomes(library, both))
        await _waited_for(library)
        await library.stranger.execute(lock, [first.id])
    assert await waits == [Conflict]


async def test_who_is_cut_short_hears_that_nothing_was_changed(url: str) -> None:
    sleeper = Intruder("pg_sleep(10)", STRANGER)
    async with opened(_with_options(url, "-c statement_timeout=500ms"), sleeper) as library:
        sets = [_new(), _new(tenant=STRANGER), _new()]
        assert await _outcomes(library, *sets) == [DONE, Unavailable, DONE]
        assert await _kept(library, *sets) == [True, False, True]


@pytest.mark.parametrize("first", [True, False], ids=["while it locks", "before it commits"])
async def test_a_connection_that_ends_takes_nothing_with_it(url: str, first: bool) -> None:
    ending = Intruder("library_hang_up()", STRANGER, first=first)
    async with opened(url, ending) as library:
        sets = [_new("key"), _new(tenant=STRANGER)]
        assert await _outcomes(library, *sets) == [DatabaseLost, DatabaseLost]
        assert await _kept(library, *sets) == [False, False]
        assert await _outcomes(library, sets[0]) == [DONE]


async def test_a_connection_that_ends_during_the_fall_back_stops_it(url: str) -> None:
    ending = Intruder("library_hang_up()", STRANGER, alone=True)
    async with opened(url, ending) as library:
        before, after = _new(), _new()
        broken = Changes(TENANT, added=[_shelf()] * 2)
        sets = [before, broken, _new(tenant=STRANGER), after]
        assert await _outcomes(library, *sets) == [
            DONE,
            UnwritableChanges,
            DatabaseLost,
            DatabaseLost,
        ]
        assert await _kept(library, before, after) == [True, False]


async def test_a_commit_whose_answer_is_lost_happens_once(url: str) -> None:
    async with line_to(url) as line, opened(line.url) as library:
        payments = [_payment(), _payment()]
        line.cut = "after"
        assert await _outcomes(library, *payments) == [DatabaseLost, DatabaseLost]
        assert line.cuts == 1, "it was not tried again"
        line.cut = None
        assert await _kept(library, *payments) == [True, True]
        assert await _outcomes(library, *payments) == [KeyTaken, KeyTaken]
        entries = await library.rows("SELECT count(*), sum(amount) FROM ledger_entries")
        assert entries == [(4, 0)]


async def test_a_commit_that_did_not_arrive_may_be_repeated(url: str) -> None:
    async with line_to(url) as line, opened(line.url) as library:
        payments = [_payment(), _payment()]
        line.cut = "before"
        assert await _outcomes(library, *payments) == [DatabaseLost, DatabaseLost]
        line.cut = None
        assert await _kept(library, *payments) == [False, False]
        assert await _outcomes(library, *payments) == [DONE, DONE]
        assert await library.rows("SELECT count(*) FROM ledger_entries") == [(4,)]


async def test_a_database_that_restarts_is_found_again(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        upgrade(server.url)
        furnish(server.url)
        async with opened(server.url, wait_s=0.5) as library:
            shelf = _shelf()
            await library.committer.commit(Changes(TENANT, added=[shelf]))
            assert await library.find(SHELVES, shelf.id) == shelf
            server.kill()
            assert await _outcomes(library, _new()) == [DatabaseLost]
            with pytest.raises(DatabaseLost):
                await library.find(SHELVES, shelf.id)
            server.start()
            await _until_it_answers(library)
            server.stop()
            server.start()
            # The connections that lay idle meanwhile are found out before they are used.
            assert await _until_it_answers(library) == 1
            assert await library.find(SHELVES, shelf.id) == shelf


async def _until_it_answers(library: Library) -> int:
    for turn in range(1, 20):
        if await _outcomes(library, _payment()) == [DONE]:
            return turn
    raise AssertionError("it does not come back")


def test_no_log_has_what_was_sent_to_a_database_that_repeats_it(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET log_parameter_max_length_on_error = -1")
        connection.execute("SET statement_timeout = 20")
        with pytest.raises(psycopg.errors.QueryCanceled) as canceled:
            connection.execute("SELECT pg_sleep(10), %s::text", [_SECRET])
    assert _SECRET in str(canceled.value)
    with capture_logs() as logs:
        assert isinstance(_verdict_on(canceled.value), Unavailable)
    assert [one["event"] for one in logs] == ["commit_refused"]
    assert _SECRET not in str(logs)
