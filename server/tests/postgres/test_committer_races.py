"""Two committers, as two processes have them, at the same rows, keys and accounts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken
from guilder_server.kernel.postings import AccountRef, LedgerTransaction, Leg
from guilder_server.ledger.infra.judging import FloorReached
from tests.postgres.library import NOW, SHELVES, TENANT, Library, Shelf, furnish, opened

pytestmark = pytest.mark.anyio

_numbers = count(1)


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[tuple[Library, Library]]:
    furnish(database_url)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(opened(database_url))
        second = await stack.enter_async_context(opened(database_url))
        yield first, second
        for library in (first, second):
            taken = Counter(id(one) for batch in library.record.batches for one in batch)
            assert max(taken.values()) == 1, "a merged transaction failed: was it a deadlock?"


async def _outcomes(library: Library, sets: list[Changes]) -> list[type]:
    commits = [library.committer.commit(changes) for changes in sets]
    return [type(one) for one in await asyncio.gather(*commits, return_exceptions=True)]


def _claim(key: str) -> KeyClaim:
    return KeyClaim(key, b"print", 200, b"", NOW)


async def test_no_update_is_lost(two: tuple[Library, Library]) -> None:
    shelves = [Shelf(f"shf_{number}", 1, NOW, "0") for number in range(3)]
    await two[0].committer.commit(Changes(TENANT, added=list(shelves)))
    lost = 0

    async def count_on(library: Library, id: str) -> None:
        nonlocal lost
        for _ in range(10):
            while True:
                changes, shelf = Changes(TENANT), await library.find(SHELVES, id)
                changes.change(shelf, replace(shelf, words=str(int(shelf.words) + 1)))
                try:
                    await library.committer.commit(changes)
                    break
                except GuardLost:
                    lost += 1

    each = [count_on(library, shelf.id) for library in two for shelf in shelves for _ in range(3)]
    await asyncio.gather(*each)
    for shelf in shelves:
        assert await two[1].find(SHELVES, shelf.id) == replace(shelf, words="60", version=61)
    assert lost > 0, "nobody met anybody"


async def test_a_key_is_claimed_by_exactly_one(two: tuple[Library, Library]) -> None:
    keys = [f"key_{number:03}" for number in range(150)]

    def shuffled(seed: int) -> list[str]:
        return random.Random(seed).sample(keys * 2, len(keys) * 2)

    orders = [shuffled(1), shuffled(2)]
    outcomes = await asyncio.gather(
        *(
            _outcomes(library, [Changes(TENANT, key=_claim(key)) for key in order])
            for library, order in zip(two, orders, strict=True)
        )
    )
    winners = Counter(
        key
        for order, heard in zip(orders, outcomes, strict=True)
        for key, outcome in zip(order, heard, strict=True)
        if outcome is type(None)
    )
    assert winners == Counter(keys)
    assert {outcome for heard in outcomes for outcome in heard} == {type(None), KeyTaken}


async def test_a_start_is_finished_by_exactly_one(two: tuple[Library, Library]) -> None:
    lease = NOW + timedelta(minutes=1)
    keys = [f"key_{number}" for number in range(40)]
    starts = [replace(_claim(key), status=0, lease_until=lease, fence=key) for key in keys]
    await _outcomes(two[0], [Changes(TENANT, key=start) for start in starts])
    heard = await asyncio.gather(
        *(
            _outcomes(
                library,
                [Changes(TENANT, key=replace(_claim(key), finishes=key)) for key in order],
            )
            for library, order in zip(two, (keys, keys[::-1]), strict=True)
        )
    )
    mine, theirs = heard[0], heard[1][::-1]
    assert all(
        {one, other} == {type(None), KeyTaken} for one, other in zip(mine, theirs, strict=True)
    )
    assert await two[0].rows("SELECT count(*) FROM idempotency_keys WHERE status = 200") == [(40,)]


async def test_balances_add_up_and_floors_hold(two: tuple[Library, Library]) -> None:
    """The accounts come into being in the race, and it is run on them in every order."""
    dice = random.Random(7)
    accounts = [AccountRef(f"purse/{number}", "usd", "credit", floor=-300) for number in range(6)]
    accounts.append(AccountRef("world", "usd", "debit"))

    def transfer() -> Changes:
        one, other = dice.sample(accounts, 2)
        amount = dice.randint(1, 100)
        legs = (Leg(one, amount), Leg(other, -amount))
        transaction = LedgerTransaction(
            f"txn_{next(_numbers)}", "charge", "ch_1", NOW, NOW, "usd", legs
        )
        return Changes(TENANT, postings=[transaction])

    async def post(library: Library) -> list[type]:
        heard = []
        for _ in range(8):
            heard += await _outcomes(library, [transfer() for _ in range(40)])
        return heard

    heard = [one for each in await asyncio.gather(*map(post, two)) for one in each]
    assert set(heard) == {type(None), FloorReached}
    granted = heard.count(type(None))
    assert await two[0].rows("SELECT count(*), sum(amount) FROM ledger_entries") == [
        (2 * granted, 0)
    ]
    wrong = await two[0].rows(
        """
        SELECT a.code FROM ledger_accounts a
        LEFT JOIN LATERAL (
            SELECT count(*) AS entries, sum(amount) AS total, max(version) AS last,
                   min(-balance) AS lowest,
                   (array_agg(balance ORDER BY version DESC))[1] AS running
            FROM ledger_entries e WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id
        ) e ON true
        WHERE (a.balance, a.version, e.entries) IS DISTINCT FROM (e.total, e.last, e.last)
           OR a.balance <> e.running OR e.lowest < a.floor
        """
    )
    assert wrong == []


async def test_sets_that_touch_everything_in_opposite_orders_do_not_block_each_other(
    two: tuple[Library, Library],
) -> None:
    shelves = [Shelf(f"shf_{number}", 1, NOW, "") for number in range(8)]
    await two[0].committer.commit(Changes(TENANT, added=list(shelves)))
    purses = [AccountRef(f"purse/{number}", "usd", "credit") for number in range(8)]

    def sets(backwards: bool) -> list[Changes]:
        found = []
        for number in range(8):
            changes = Changes(TENANT, key=_claim(f"key_{number}"))
            changes.change(shelves[number], shelves[number])
            changes.change(shelves[-number], shelves[-number])
            legs = (Leg(purses[number], 1), Leg(purses[(number + 3) % 8], -1))
            id = f"txn_{next(_numbers)}"
            changes.post(LedgerTransaction(id, "charge", "ch_1", NOW, NOW, "usd", legs))
            found.append(changes)
        return found[::-1] if backwards else found

    async def repeat(library: Library, backwards: bool) -> set[type]:
        heard: set[type] = set()
        for _ in range(20):
            for outcome in await _outcomes(library, sets(backwards)):
                heard.add(outcome)
        return heard

    heard = await asyncio.gather(repeat(two[0], False), repeat(two[1], True))
    assert heard[0] | heard[1] <= {type(None), GuardLost, KeyTaken}
