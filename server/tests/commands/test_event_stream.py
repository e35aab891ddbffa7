"""The stream of events where its parts matter more than its lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from guilder_server.commands.desk import event_stream
from guilder_server.commands.desk.api_address import Whereabouts
from guilder_server.commands.desk.api_trouble import Refused, Unreachable
from guilder_server.commands.desk.event_stream import EventStream
from guilder_server.kernel.ids import first_id
from tests.support.api import Api, ApiServer
from tests.support.local_program import Answer, LocalProgram, Received
from tests.support.served import free_port

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads too
        await asyncio.sleep(0.01)


class Followed:
    """What a stream gave so far, and what it had to say."""

    def __init__(self, whereabouts: Whereabouts) -> None:
        self.events: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.stream = EventStream(whereabouts, [], self.notices.append, "test")

    async def has_a_horizon(self) -> None:
        await until(lambda: self.stream._horizon is not None)

    async def wait_for(self, count: int, timeout_s: float = 60) -> list[str]:
        """The names of the customers that came, once there are so many."""
        async with asyncio.timeout(timeout_s):
            await until(lambda: len(self.events) >= count)
        await asyncio.sleep(0.1)
        return [event["data"]["object"]["name"] for event in self.events]


@asynccontextmanager
async def following(api_base: str, api_key: str) -> AsyncIterator[Followed]:
    followed = Followed(Whereabouts(api_base, api_key, Path("/nowhere")))
    stream = followed.stream
    await stream.begin()

    async def follow() -> None:
        async with aclosing(stream.events()) as events:
            async for event in events:
                followed.events.append(event)

    following = asyncio.create_task(follow())
    try:
        yield followed
    finally:
        following.cancel()
        await stream.close()


async def customers(api: Api, *names: str) -> None:
    def make() -> None:
        for name in names:
            api.post("/v1/customers", name=name)

    await asyncio.to_thread(make)


@pytest.fixture
def short_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that events lie behind the horizon soon."""
    monkeypatch.setattr(event_stream, "_OVERLAP_S", 0)
    monkeypatch.setattr(event_stream, "_PAGE", 3)
    monkeypatch.setattr(event_stream, "_EVERY_S", 0.05)


async def test_many_events_come_once_each_and_in_order(api: Api, short_overlap: None) -> None:
    names = [f"number {number}" for number in range(20)]
    async with following(api.url, api.key) as followed:
        await customers(api, *names[:10])
        await followed.wait_for(10)
        # The next are read forwards from it.
        await followed.has_a_horizon()
        await customers(api, *names[10:])
        assert await followed.wait_for(20) == names


async def test_an_event_that_is_committed_late_is_not_passed_over(
    api: Api, api_server: ApiServer
) -> None:
    async with following(api.url, api.key) as followed:
        await customers(api, "in time")
        assert await followed.wait_for(1) == ["in time"]
        early = first_id("evt", datetime.now(UTC) - timedelta(seconds=5)) + "0" * 15
        await asyncio.to_thread(
            _commit_late, api_server.database_url, followed.events[0]["id"], early
        )
        await followed.wait_for(2)
        assert followed.events[1]["id"] == early < followed.events[0]["id"]


def _commit_late(database_url: str, like: str, id: str) -> None:
    """An event like another one, with an id that was made before it."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO events SELECT (jsonb_populate_record(like_it, %s)).* "
            "FROM events AS like_it WHERE id = %s",
            (Jsonb({"id": id}), like),
        )


async def test_it_finds_its_place_again_when_the_event_it_stood_at_is_gone(
    api: Api, api_server: ApiServer, short_overlap: None
) -> None:
    async with following(api.url, api.key) as followed:
        await customers(api, "before")
        await followed.wait_for(1)
        await followed.has_a_horizon()
        await asyncio.to_thread(_forget, api_server.database_url, followed.events[0]["id"])
        await customers(api, "after")
        assert await followed.wait_for(2) == ["before", "after"]


def _forget(database_url: str, id: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM events WHERE id = %s", (id,))


async def test_it_leaves_a_busy_server_alone_for_as_long_as_it_asks() -> None:
    began = asyncio.get_running_loop().time()

    def answer(_: Received) -> Answer:
        if len(program.received) == 2:
            return 429, {"Retry-After": "1"}, b'{"error":{"message":"too much"}}'
        if len(program.received) == 3:
            return 503, {}, b"not even JSON"
        return 200, {}, b'{"object":"list","data":[],"has_more":false}'

    with LocalProgram(answer) as program:
        async with following(program.base, "sk_test_x") as followed:
            await until(lambda: len(program.received) >= 5)
    assert asyncio.get_running_loop().time() - began > 1.3
    assert len(followed.notices) == 2
    assert "answers 429" in followed.notices[0]
    assert "answers again" in followed.notices[1]


async def test_at_the_start_nobody_is_waited_for(api: Api) -> None:
    nobody = EventStream(
        Whereabouts(f"http://127.0.0.1:{free_port()}", "sk_test_x", Path()), [], print, "test"
    )
    with pytest.raises(Unreachable, match="nothing listens there"):
        await nobody.begin()
    stranger = EventStream(Whereabouts(api.url, "sk_test_x", Path()), [], print, "test")
    with pytest.raises(Refused, match="401"):
        await stranger.begin()
