"""Wake-ups through a real Redis, which may lose them, be emptied, die and come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis

from guilder_server.embedded import RedisServer
from guilder_server.queue import wakeups
from guilder_server.queue.wakeups import Bell, hear

pytestmark = pytest.mark.anyio


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self) -> None:
        self.times.append(time.monotonic())

    @property
    def count(self) -> int:
        return len(self.times)


async def _until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _hearing(url: str) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.create_task(hear(url, ear))
    try:
        # It looks once when it begins: what was rung while nobody listened.
        await _until(lambda: ear.count > 0)
        yield ear
    finally:
        assert not task.done(), "it stopped hearing"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


@asynccontextmanager
async def _bell(url: str | None) -> AsyncIterator[Bell]:
    bell = Bell(url)
    try:
        yield bell
    finally:
        await asyncio.wait_for(bell.close(), 5)


async def _quiet(ear: Ear) -> int:
    """How much was heard, once nothing more comes."""
    heard = -1
    while heard != ear.count:
        heard = ear.count
        await asyncio.sleep(0.4)
    return heard


def _of_arq(url: str) -> list[bytes]:
    with redis.Redis.from_url(url) as client:
        return sorted(client.keys("*"))


@pytest.fixture
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "_PAUSE_S", 0.1)


async def test_a_ring_wakes_soon(redis_url: str) -> None:
    async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
        for _ in range(5):
            heard, began = await _quiet(ear), time.monotonic()
            bell.ring()
            await _until(lambda heard=heard: ear.count > heard)
            assert ear.times[heard] - began < 1


async def test_of_two_who_listen_somebody_is_woken(redis_url: str) -> None:
    async with _hearing(redis_url) as one, _hearing(redis_url) as two, _bell(redis_url) as bell:
        heard = await _quiet(one) + await _quiet(two)
        bell.ring()
        await _until(lambda: one.count + two.count > heard)


async def test_many_rings_are_few_wake_ups_and_the_last_is_heard(redis_url: str) -> None:
    async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
        heard, rings, began = await _quiet(ear), 0, time.monotonic()
        while time.monotonic() < began + 1:
            bell.ring()
            rings += 1
            await asyncio.sleep(0)
        last = time.monotonic()
        await _until(lambda: ear.times[-1] >= last)
        assert rings > 1000
        assert 5 < await _quiet(ear) - heard < 70


async def test_what_is_rung_while_nobody_listens_does_not_pile_up_and_is_not_lost(
    redis_url: str,
) -> None:
    async with _bell(redis_url) as bell:
        for _ in range(30):
            bell.ring()
            await asyncio.sleep(0.02)
        with redis.Redis.from_url(redis_url) as client:
            assert client.zcard("guilder:wakeups") == 1
    async with _hearing(redis_url) as ear:
        assert ear.count


async def test_nothing_is_kept_of_what_was_heard(redis_url: str) -> None:
    async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
        for _ in range(5):
            bell.ring()
            await asyncio.sleep(0.1)
        await _quiet(ear)
        left = [key for key in _of_arq(redis_url) if not key.endswith(b"health-check")]
        assert left == []


@pytest.mark.usefixtures("brief_pauses")
async def test_a_redis_that_is_emptied_is_rung_again(
    redis_server: RedisServer, redis_url: str
) -> None:
    async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
        bell.ring()
        await _quiet(ear)
        with redis.Redis.from_url(redis_url) as client:
            bell.ring()
            client.flushall()
            heard = await _quiet(ear)
            client.flushall()
        bell.ring()
        await _until(lambda: ear.count > heard)


@pytest.mark.usefixtures("brief_pauses")
async def test_a_redis_that_dies_and_comes_back_is_heard_again(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        async with _hearing(server.url) as ear, _bell(server.url) as bell:
            for _ in range(2):
                server.kill()
                began = time.monotonic()
                for _ in range(1000):
                    bell.ring()
                await asyncio.sleep(0.3)
                assert time.monotonic() - began < 1
                heard = ear.count
                server.start()
                # First it looks for what was rung meanwhile; then it hears again.
                await _until(lambda heard=heard: ear.count > heard)
                heard = await _quiet(ear)
                bell.ring()
                await _until(lambda heard=heard: ear.count > heard)


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize(
    "url",
    [None, "unix:///nowhere/redis.socket", "redis://127.0.0.1:1/0"],
    ids=["none", "no socket", "nobody there"],
)
async def test_without_a_redis_ringing_neither_fails_nor_waits(url: str | None) -> None:
    async with _bell(url) as bell:
        for _ in range(20):
            began = time.monotonic()
            for _ in range(100):
                bell.ring()
            assert time.monotonic() - began < 0.5
            await asyncio.sleep(0.02)


async def test_a_redis_that_says_nothing_is_waited_for_by_nobody() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        async with _bell(f"redis://127.0.0.1:{port}/0") as bell:
            began = time.monotonic()
            bell.ring()
            bell.ring()
            assert time.monotonic() - began < 0.5
            await asyncio.sleep(0.1)
        assert time.monotonic() - began < 5
    finally:
        listener.close()


@pytest.mark.usefixtures("brief_pauses")
async def test_a_listener_that_was_killed_halfway_silences_nobody(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        # As arq leaves it: the job is there, and somebody who has gone is at it.
        client.psetex("arq:in-progress:wake", 60_000, b"1")
        client.psetex("arq:job:wake", 60_000, b'{"t":null,"f":"wake","a":[],"k":{},"et":1}')
        client.zadd("guilder:wakeups", {"wake": int(time.time() * 1000)})
    async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
        for _ in range(3):
            heard = await _quiet(ear)
            bell.ring()
            await _until(lambda heard=heard: ear.count > heard, 2)


async def test_a_listener_stops_when_it_is_told_to(redis_url: str) -> None:
    for _ in range(3):
        async with _hearing(redis_url) as ear, _bell(redis_url) as bell:
            bell.ring()
            assert ear.count
    with redis.Redis.from_url(redis_url) as client:
        await asyncio.sleep(0.1)
        names = [each for each in client.client_list() if each["cmd"] != "client|list"]
        assert len(names) <= 1
