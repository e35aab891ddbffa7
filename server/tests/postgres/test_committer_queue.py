"""How the committer takes sets, forms batches of them, and stops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken
from guilder_server.kernel.errors import Unavailable
from guilder_server.postgres import committer as module
from guilder_server.postgres.committer import LARGEST_BATCH
from tests.postgres.library import NOW, SHELVES, STRANGER, TENANT, Library, Shelf, furnish, opened

pytestmark = pytest.mark.anyio

_numbers = count(1)


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    furnish(database_url)
    async with opened(database_url) as library:
        yield library


def _shelf() -> Shelf:
    return Shelf(f"shf_{next(_numbers)}", 1, NOW, "")


def _new(key: str | None = None) -> Changes:
    claim = KeyClaim(key, b"print", 200, b"", NOW) if key else None
    return Changes(TENANT, added=[_shelf()], key=claim)


async def _outcomes(library: Library, *sets: Changes) -> list[BaseException | None]:
    commits = [library.committer.commit(changes) for changes in sets]
    return await asyncio.gather(*commits, return_exceptions=True)


def _sizes(library: Library) -> list[int]:
    return [len(batch) for batch in library.record.batches]


async def _kept(library: Library) -> int:
    [(number,)] = await library.rows("SELECT count(*) FROM library_shelves")
    return int(number)


async def test_sets_that_arrive_together_share_one_transaction(library: Library) -> None:
    assert await _outcomes(library, *(_new() for _ in range(20))) == [None] * 20
    assert _sizes(library) == [20]
    assert await _kept(library) == 20


async def test_what_arrives_during_a_commit_goes_into_the_next_one(library: Library) -> None:
    first = asyncio.create_task(library.committer.commit(_new()))
    while not library.record.batches:  # noqa: ASYNC110 - it tells nobody when it begins
        await asyncio.sleep(0)
    await _outcomes(library, _new(), _new(), _new())
    await first
    assert _sizes(library) == [1, 3]


async def test_more_than_the_largest_batch_is_split_in_order(library: Library) -> None:
    sets = [_new() for _ in range(2 * LARGEST_BATCH + 7)]
    assert await _outcomes(library, *sets) == [None] * len(sets)
    assert _sizes(library) == [LARGEST_BATCH, LARGEST_BATCH, 7]
    assert [one for batch in library.record.batches for one in batch] == sets


async def test_no_batch_holds_two_sets_with_one_key(library: Library) -> None:
    sets = [_new("same"), _new(), _new("same"), _new("other"), _new("same"), _new()]
    outcomes = await _outcomes(library, *sets)
    assert [type(one) for one in outcomes] == [
        type(None),
        type(None),
        KeyTaken,
        type(None),
        KeyTaken,
        type(None),
    ]
    assert library.record.batches == [
        [sets[0], sets[1], sets[3], sets[5]],
        [sets[2]],
        [sets[4]],
    ]


async def test_the_same_key_of_two_tenants_is_two_keys(library: Library) -> None:
    ours, theirs = _new("same"), _new("same")
    theirs.tenant = STRANGER
    assert await _outcomes(library, ours, theirs) == [None, None]
    assert _sizes(library) == [2]


async def test_a_key_goes_to_the_next_set_when_the_first_is_refused(library: Library) -> None:
    missing = _shelf()
    refused = _new("same")
    refused.change(missing, missing)
    outcomes = await _outcomes(library, refused, _new("same"))
    assert [type(one) for one in outcomes] == [GuardLost, type(None)]
    assert await library.rows("SELECT key FROM idempotency_keys") == [("same",)]


async def test_a_caller_that_goes_away_leaves_its_changes_and_its_neighbours(
    library: Library,
) -> None:
    gone = asyncio.create_task(library.committer.commit(_new()))
    stays = asyncio.create_task(library.committer.commit(_new()))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await _kept(library) == 2


async def test_a_refusal_that_nobody_waits_for_makes_no_noise(library: Library) -> None:
    noise: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    missing = _shelf()
    refused = Changes(TENANT)
    refused.change(missing, missing)
    gone = asyncio.create_task(library.committer.commit(refused))
    await asyncio.sleep(0)
    gone.cancel()
    await library.committer.commit(_new())
    del gone
    gc.collect()
    assert noise == []


async def test_closing_answers_what_was_accepted_and_refuses_what_comes_later(
    library: Library,
) -> None:
    accepted = [
        asyncio.create_task(library.committer.commit(_new())) for _ in range(LARGEST_BATCH + 5)
    ]
    await asyncio.sleep(0)
    closing = asyncio.create_task(library.committer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="shutting down"):
        await library.committer.commit(_new())
    await closing
    assert all(task.done() and task.exception() is None for task in accepted)
    assert await _kept(library) == LARGEST_BATCH + 5
    with pytest.raises(Unavailable):
        await library.committer.commit(_new())


async def test_closing_waits_for_the_fall_back_too(library: Library) -> None:
    shelf = _shelf()
    twice = [Changes(TENANT, added=[shelf]) for _ in range(2)]
    commits = [asyncio.create_task(library.committer.commit(one)) for one in (*twice, _new())]
    await asyncio.sleep(0)
    await library.committer.close()
    assert [task.exception() is None for task in commits] == [True, False, True]


async def test_closing_an_idle_committer_returns_at_once(library: Library) -> None:
    await library.committer.close()
    await library.committer.close()


async def test_a_queue_that_has_grown_too_long_refuses_at_once(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_QUEUE", 3)
    outcomes = await _outcomes(library, *(_new() for _ in range(5)))
    assert [type(one) for one in outcomes] == [type(None)] * 3 + [Unavailable] * 2
    assert await _outcomes(library, _new()) == [None]
    assert await _kept(library) == 4


async def test_a_row_may_be_added_and_changed_in_one_set(library: Library) -> None:
    changes = Changes(TENANT)
    shelf = changes.add(_shelf())
    after = changes.change(shelf, shelf)
    after = changes.change(after, after)
    await library.committer.commit(changes)
    assert (await library.find(SHELVES, shelf.id)).version == 3


def _relying(shelf: Shelf) -> Changes:
    changes = _new()
    changes.rely(shelf)
    return changes


async def test_what_is_relied_on_is_as_it_was_read_or_nothing_is_written(library: Library) -> None:
    adding = Changes(TENANT)
    shelf = adding.add(_shelf())
    await library.committer.commit(adding)
    assert await _outcomes(library, _relying(shelf), _relying(shelf)) == [None, None]
    # Whoever comes before the change still finds it, who comes after it does not.
    changing = Changes(TENANT)
    after = changing.change(shelf, shelf)
    kept = await _kept(library)
    before, changed, late = await _outcomes(library, _relying(shelf), changing, _relying(shelf))
    assert (before, changed, type(late)) == (None, None, GuardLost)
    assert await _kept(library) == kept + 1
    assert [type(one) for one in await _outcomes(library, _relying(shelf), _relying(after))] == [
        GuardLost,
        type(None),
    ]
    assert (await library.find(SHELVES, shelf.id)).version == 2


async def test_what_is_not_there_cannot_be_relied_on(library: Library) -> None:
    (refusal,) = await _outcomes(library, _relying(_shelf()))
    assert isinstance(refusal, GuardLost)


async def test_a_set_may_rely_on_what_it_adds(library: Library) -> None:
    changes = Changes(TENANT)
    changes.rely(changes.add(_shelf()))
    assert await _outcomes(library, changes) == [None]


async def test_an_empty_set_commits(library: Library) -> None:
    assert await _outcomes(library, Changes(TENANT)) == [None]
