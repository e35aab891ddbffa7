"""What is decided about a delivery while an attempt at it is under way."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.support.listeners import answer
from tests.support.local_program import Received
from tests.support.sinks import OK, Sink
from tests.support.webhook_story import Story

FAILURE = answer("500 Internal Server Error")


class Held:
    """Keeps its answer back until it is let go, and then gives it to the first request."""

    def __init__(self, sink: Sink, reply: bytes) -> None:
        self.reached, self.let_go, self.reply = asyncio.Event(), asyncio.Event(), reply
        sink.script = self.answer

    async def answer(self, _: Received) -> bytes:
        if self.let_go.is_set():
            return OK
        self.reached.set()
        await self.let_go.wait()
        return self.reply


@pytest.mark.parametrize("reply", [OK, FAILURE], ids=["taken", "failed"])
async def test_a_person_who_asks_again_meanwhile_is_heard(
    story: Story, sink: Sink, reply: bytes
) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.settled(endpoint, ["pending"])
    held = Held(sink, reply)
    with psycopg.connect(story.guilder.database_url) as connection:
        # The next attempt is the last.
        connection.execute("UPDATE webhook_deliveries SET tries = 4")
    story.advance(seconds=10)
    await story.until(held.reached.is_set)
    again = await story.post(f"/v1/events/{event}/retry", webhook_endpoint=endpoint["id"])
    assert again["status"] == "pending"
    held.let_go.set()
    await story.until(lambda: len(sink.received) == 3)
    await story.settled(endpoint, ["delivered"])
    attempts = (await story.delivery(event, endpoint))["attempts"]
    assert [one["status_code"] for one in attempts] == [500, 200 if reply == OK else 500, 200]


@pytest.mark.parametrize(
    ("reply", "status"), [(OK, "delivered"), (FAILURE, "canceled")], ids=["taken", "failed"]
)
async def test_what_is_given_up_meanwhile_stays_so_unless_it_arrived(
    story: Story, sink: Sink, reply: bytes, status: str
) -> None:
    held = Held(sink, reply)
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.until(held.reached.is_set)
    await story.change(endpoint, disabled="true")
    story.advance(seconds=1)

    async def canceled() -> bool:
        return (await story.delivery(event, endpoint))["status"] == "canceled"

    await story.until(canceled)
    held.let_go.set()

    async def written() -> bool:
        return len((await story.delivery(event, endpoint))["attempts"]) == 1

    await story.until(written)
    found = await story.delivery(event, endpoint)
    assert (found["status"], found["next_attempt"]) == (status, None)


async def test_what_waits_for_an_endpoint_is_not_given_up_once_it_is_enabled_again(
    story: Story, sink: Sink
) -> None:
    """A worker may have seen it disabled a moment ago."""
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    await story.customer()
    await story.settled(endpoint, ["pending"])
    place = (story.guilder.account.tenant_id, endpoint["id"])
    assert await story.workers[0]._queue.cancel(place) == 0
    await story.settled(endpoint, ["pending"])
