"""Who is slow holds up nobody but himself; and how long the worker goes on asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from guilder_server.webhooks.domain.replies import Reply, Trouble
from tests.support.api import new_account
from tests.support.listeners import answer
from tests.support.local_program import Received
from tests.support.sinks import OK, Sink, sinking
from tests.support.webhook_story import Story, telling


async def never(_: Received) -> bytes:
    await asyncio.sleep(3600)
    return OK


async def test_an_endpoint_that_hangs_delays_no_other_of_its_account(
    story: Story, sink: Sink
) -> None:
    async with sinking(script=never) as hanging:
        for _ in range(3):
            await story.endpoint(hanging.url)
        good = await story.endpoint(sink.url)
        for _ in range(20):
            await story.post("/v1/customers", name="Ada")
        # As many as an endpoint is sent at once that has not answered yet.
        await story.until(lambda: len(hanging.received) == 3 * 2)
        began = time.monotonic()
        event = await story.customer()
        await story.until(lambda: event in sink.ids, 5)
        assert time.monotonic() - began < 2
        await story.settled(good, ["delivered"] * 21)
        assert len(hanging.received) == 3 * 2
        # The worker need not wait for them at the end of the test.
        for task in list(story.workers[0]._dispatcher._tasks):
            task.cancel()


async def test_one_request_at_a_time_goes_to_who_does_not_answer(story: Story) -> None:
    under_way = most = 0

    async def counted(received: Received) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return b"what?\r\n\r\n"

    async with sinking(script=counted) as odd:
        await story.endpoint(odd.url)
        for _ in range(40):
            await story.post("/v1/customers", name="Ada")
        await story.until(lambda: len(odd.received) >= 30)
        most = 0
        await story.until(lambda: len(odd.received) >= 38)
        assert most == 1


class Elsewhere:
    """Every address is that of one listener: live mode sends to public addresses only."""

    def __init__(self) -> None:
        self.reply = Reply(3, 500)
        self.posted: list[Mapping[str, str]] = []

    async def vet(self, url: str, *, loopback: bool) -> Trouble | None:
        return None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, loopback: bool
    ) -> Reply:
        assert not loopback
        self.posted.append(headers)
        return self.reply


async def test_in_live_mode_it_goes_on_for_three_days(database_url: str) -> None:
    account, elsewhere = new_account(database_url, livemode=True), Elsewhere()
    async with telling(database_url, account=account, mode="live") as story:
        story.workers[0]._dispatcher._sending._network = elsewhere
        began = story.clock.now()
        endpoint = await story.endpoint("https://93.184.215.14/hook")
        event = await story.customer()
        for attempt in range(1, 11):
            await story.attempted(event, endpoint, attempt)
            await story.settled(endpoint, ["failed" if attempt == 10 else "pending"])
            following = (await story.delivery(event, endpoint))["next_attempt"]
            if following is not None:
                story.advance(seconds=following - story.clock.now().timestamp() + 1)
        assert timedelta(days=2) < story.clock.now() - began < timedelta(days=4)
        attempts = (await story.delivery(event, endpoint))["attempts"]
        times = [one["attempted_at"] for one in attempts]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(gaps) == 9
        assert all(later > 1.1 * earlier for earlier, later in pairwise(gaps[:6]))
        assert (await story.now(endpoint))["status"] == "enabled"
        assert {headers["webhook-id"] for headers in elsewhere.posted} == {event}
        assert len({headers["webhook-timestamp"] for headers in elsewhere.posted}) == 10


async def test_a_failing_endpoint_is_asked_as_often_as_one_that_is_well(
    story: Story, sink: Sink
) -> None:
    """Who answers, though with an error, is quick: what waits for it drains into retries."""
    sink.reply = answer("500 Internal Server Error")
    endpoint = await story.endpoint(sink.url)
    for _ in range(40):
        await story.post("/v1/customers", name="Ada")
    await story.settled(endpoint, ["pending"] * 40)
    assert sink.repeated() == {}
