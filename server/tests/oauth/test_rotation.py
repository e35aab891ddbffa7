"""The keys that sign tokens come and go, and no token is refused for it before it expires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.clock import ManualClock
from guilder_server.oauth.domain import signing
from guilder_server.oauth.domain.signing import COPIED_FOR, TOKEN_LIFE, SigningKey
from guilder_server.oauth.domain.tokens import kid_of
from guilder_server.oauth.flows.keys import SigningKeys
from guilder_server.oauth.infra.signatures import Jose
from guilder_server.oauth.infra.signing_keys import PostgresSigningKeys
from guilder_server.postgres.seals import SealBroken, Seals
from tests.support.api import SEALING_KEY
from tests.tenancy.database import Database, opened

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, []) as database:
        async with database.pool.jobs.query() as connection:
            await connection.execute("DELETE FROM oauth_signing_keys")
        yield database


def process(database: Database, clock: ManualClock) -> SigningKeys:
    """One that remembers nothing."""
    passing = iter(range(0, 10**9, 3600))
    store = PostgresSigningKeys(database.pool, Seals(SEALING_KEY))
    return SigningKeys(store, clock, DAY, elapsed=lambda: float(next(passing)))


async def test_a_day_of_signing_and_the_changing_of_the_key(database: Database) -> None:
    clock = ManualClock(NOW)
    keys, jose = process(database, clock), Jose(Seals(SEALING_KEY))
    first = await keys.signing()
    assert [one["kid"] for one in await keys.published()] == [first.kid]
    assert "d" not in (await keys.published())[0]

    # The next one is published an hour before it signs.
    clock.advance(DAY - timedelta(minutes=59))
    await keys.rotate()
    assert await keys.signing() == first
    _, second = [one["kid"] for one in await keys.published()]

    clock.advance(timedelta(minutes=58, seconds=59))
    token = jose.sign({"sub": "late"}, await keys.signing())
    assert kid_of(token) == first.kid
    clock.advance(timedelta(seconds=1))
    assert (await keys.signing()).kid == second

    # What the old one has signed is good until it expires, and not for long after.
    clock.advance(TOKEN_LIFE - timedelta(seconds=1))
    public = await keys.public(first.kid)
    assert public is not None
    assert jose.verified(token, public) == {"sub": "late"}
    clock.advance(timedelta(minutes=2))
    assert await keys.public(first.kid) is None
    await keys.rotate()
    assert [one["kid"] for one in await keys.published()] == [second]


async def test_without_a_worker_a_key_is_made_when_it_is_needed(database: Database) -> None:
    clock = ManualClock(NOW)
    first = await process(database, clock).signing()
    clock.advance(3 * DAY)
    later = await process(database, clock).signing()
    assert later.kid != first.kid
    assert (later.signs_from, later.signs_until) == (clock.now(), clock.now() + DAY)


async def test_processes_that_rotate_at_once_make_one_key(database: Database) -> None:
    clock = ManualClock(NOW)
    made = await asyncio.gather(*(process(database, clock).rotate() for _ in range(4)))
    assert sorted(made) == [0, 0, 0, 1]


async def test_a_private_half_opens_under_its_own_name_only(database: Database) -> None:
    clock = ManualClock(NOW)
    key = await process(database, clock).signing()
    assert b"PRIVATE" not in key.sealed
    moved = SigningKey("other", *(key.created, key.signs_from, key.signs_until), {}, key.sealed)
    with pytest.raises(SealBroken):
        Jose(Seals(SEALING_KEY)).sign({}, moved)


async def test_an_unknown_key_is_looked_for_once_a_second(database: Database) -> None:
    elapsed, asked = [100.0], 0
    clock = ManualClock(NOW)

    class Counting(PostgresSigningKeys):
        async def all(self):  # type: ignore[no-untyped-def]
            nonlocal asked
            asked += 1
            return await super().all()

    store = Counting(database.pool, Seals(SEALING_KEY))
    keys = SigningKeys(store, clock, DAY, elapsed=lambda: elapsed[0])
    for _ in range(50):
        assert await keys.public("made-up") is None
    assert asked == 1
    made = await process(database, clock).signing()
    elapsed[0] += 1.5
    assert await keys.public(made.kid) is not None
    assert asked == 2


@given(steps=st.lists(st.integers(1, 90_000), max_size=30), period=st.integers(60, 200_000))
def test_somebody_signs_at_any_time_and_was_published_before(steps: list[int], period: int) -> None:
    """However irregularly a worker looks."""
    now, keys = NOW, list[SigningKey]()
    length, made = timedelta(seconds=period), dict[str, datetime]()
    for step in steps:
        over = {key.kid for key in keys} - {key.kid for key in signing.published(keys, now)}
        keys = [key for key in keys if key.kid not in over]
        for starts, ends in signing.missing(keys, now, length):
            kid = f"k{len(made)}"
            made[kid] = now
            keys.append(SigningKey(kid, now, starts, ends, {}, b""))
        current = signing.signing(keys, now)
        assert current is not None
        assert current in signing.published(keys, now)
        # At most one at a time, and known in good time unless none was there before.
        assert [key for key in keys if key.signs_from <= now < key.signs_until] == [current]
        now += timedelta(seconds=step)
        for key in keys:
            if now < key.signs_until + TOKEN_LIFE:
                assert key in signing.published(keys, now)


def test_a_key_is_published_for_longer_than_others_keep_their_copy() -> None:
    key = SigningKey("k", NOW, NOW, NOW + DAY, {}, b"")
    (window,) = signing.missing([key], key.signs_until - timedelta(hours=1), DAY)
    assert window[0] - (key.signs_until - timedelta(hours=1)) > COPIED_FOR
