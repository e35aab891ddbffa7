"""Idempotency keys in PostgreSQL: claimed, started, finished, and forgotten in time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken
from guilder_server.postgres.keys import KEPT, KEY_LOOKUP, KeyRecord, prune_keys
from tests.postgres.library import NOW, STRANGER, TENANT, Library, Shelf, furnish, opened

pytestmark = pytest.mark.anyio

WHOLE = KeyClaim("key", b"print", 200, b"answer", NOW)
STARTED = replace(
    WHOLE, status=0, response=b"", lease_until=NOW + timedelta(minutes=1), fence="req_1"
)
FINISH = replace(WHOLE, finishes="req_1", created=NOW + timedelta(seconds=9))


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    furnish(database_url)
    async with opened(database_url) as library:
        yield library


async def _claim(library: Library, claim: KeyClaim) -> None:
    await library.committer.commit(Changes(TENANT, key=claim))


async def _found(library: Library, key: str = "key") -> KeyRecord | None:
    return await library.reads.one(KEY_LOOKUP, TENANT.id, key)


async def test_a_key_keeps_its_answer(library: Library) -> None:
    await _claim(library, WHOLE)
    assert await _found(library) == KeyRecord(b"print", 200, b"answer", NOW, None, None)
    assert await library.reads.one(KEY_LOOKUP, STRANGER.id, "key") is None
    with pytest.raises(KeyTaken):
        await _claim(library, replace(WHOLE, response=b"another"))
    assert await _found(library) == KeyRecord(b"print", 200, b"answer", NOW, None, None)


async def test_a_started_key_is_finished_by_its_fence_alone(library: Library) -> None:
    await _claim(library, STARTED)
    for other in (WHOLE, STARTED, replace(FINISH, finishes="req_2")):
        with pytest.raises(KeyTaken):
            await _claim(library, other)
    started = await _found(library)
    assert started == KeyRecord(b"print", 0, b"", NOW, STARTED.lease_until, "req_1")
    await _claim(library, FINISH)
    # It is as old as its start, and holds no lease any more.
    assert await _found(library) == KeyRecord(b"print", 200, b"answer", NOW, None, "req_1")


async def test_a_key_is_finished_once(library: Library) -> None:
    await _claim(library, STARTED)
    await _claim(library, FINISH)
    with pytest.raises(KeyTaken):
        await _claim(library, replace(FINISH, response=b"another"))


async def test_a_key_that_was_never_started_cannot_be_finished(library: Library) -> None:
    with pytest.raises(KeyTaken):
        await _claim(library, FINISH)
    assert await _found(library) is None


async def test_a_set_that_is_refused_leaves_its_key_as_it_was(library: Library) -> None:
    missing = Shelf("shf_none", 1, NOW, "")
    await _claim(library, replace(STARTED, key="started"))
    for claim in (WHOLE, replace(FINISH, key="started")):
        changes = Changes(TENANT, key=claim)
        changes.change(missing, missing)
        with pytest.raises(GuardLost):
            await library.committer.commit(changes)
    assert await _found(library) is None
    started = await _found(library, "started")
    assert started is not None
    assert started.status == 0


async def test_only_finished_keys_of_long_ago_are_forgotten(library: Library) -> None:
    old, young = NOW - KEPT - timedelta(seconds=1), NOW - KEPT + timedelta(seconds=1)
    for name, claim in {
        "old": replace(WHOLE, created=old),
        "young": replace(WHOLE, created=young),
        "old, not finished": replace(STARTED, created=old),
    }.items():
        await _claim(library, replace(claim, key=name))
    assert await prune_keys(library.pool, NOW) == 1
    assert await library.rows("SELECT key FROM idempotency_keys ORDER BY 1") == [
        ("old, not finished",),
        ("young",),
    ]
    assert await prune_keys(library.pool, NOW) == 0


async def test_any_number_of_keys_is_forgotten_in_turns(library: Library) -> None:
    await library.stranger.execute(
        "INSERT INTO idempotency_keys (tenant_id, key, fingerprint, status, response, created) "
        "SELECT 1, 'key_' || n, '', 200, '', %s FROM generate_series(1, 20001) AS n",
        [NOW - KEPT - timedelta(days=1)],
    )
    assert await prune_keys(library.pool, NOW) == 20_001


async def test_a_key_that_is_held_is_forgotten_later(library: Library) -> None:
    await _claim(library, replace(WHOLE, created=NOW - KEPT - timedelta(days=1)))
    async with library.stranger.transaction():
        await library.stranger.execute("SELECT FROM idempotency_keys FOR UPDATE")
        assert await prune_keys(library.pool, NOW) == 0
    assert await prune_keys(library.pool, NOW) == 1
