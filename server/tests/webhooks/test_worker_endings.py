"""When the worker gives up: on an endpoint, on an event, on what has been kept for long."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.listeners import answer
from tests.support.sinks import Sink, sinking
from tests.support.webhook_story import Story

FAILURE = answer("500 Internal Server Error", b"not now")


async def test_an_endpoint_that_is_gone_is_disabled_and_what_waits_is_given_up(
    story: Story, sink: Sink
) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    await story.customer("waits")
    await story.settled(endpoint, ["pending"])
    sink.reply = answer("410 Gone")
    await story.customer("gone")
    await story.settled(endpoint, ["failed", "canceled"])
    found = await story.now(endpoint)
    assert (found["status"], found["disabled_reason"]) == ("disabled", "gone")
    await story.customer("never")
    story.advance(days=1)
    await story.nothing_more()
    assert len(sink.received) == 2


async def test_five_days_of_failure_disable_it_and_the_others_hear_of_it(
    story: Story, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sinking(FAILURE) as dead:
        failing = await story.endpoint(dead.url, "customer.created")
        await story.endpoint(sink.url, "webhook_endpoint.disabled")
        await story.customer()
        await story.settled(failing, ["pending"])

        async def noted() -> bool:
            return (await story.now(failing))["failing_since"] is not None

        await story.until(noted)
        story.advance(days=4, hours=23)
        await story.customer()
        await story.until(lambda: len(dead.received) >= 3)
        assert (await story.now(failing))["status"] == "enabled"
        story.advance(hours=2)
        await story.customer()
        await story.until(lambda: sink.received)
    assert sink.types == ["webhook_endpoint.disabled"]
    told = sink.received[0].event["data"]
    assert (told["object"]["id"], told["object"]["status"]) == (failing["id"], "disabled")
    assert told["object"]["disabled_reason"] == "failing"
    assert told["previous_attributes"]["status"] == "enabled"
    assert "secret" not in told["object"]
    said = [line for line in capsys.readouterr().err.splitlines() if failing["id"] in line]
    assert any('"webhook_endpoint_disabled"' in line and '"failing"' in line for line in said)
    assert "pending" not in await story.statuses(failing)


@pytest.mark.parametrize("end", ["delete", "disable"])
async def test_what_waits_for_an_endpoint_that_ends_is_given_up(
    story: Story, sink: Sink, end: str
) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    event = await story.customer()
    await story.settled(endpoint, ["pending"])
    if end == "delete":
        await story.guilder.client.delete(path)
    else:
        await story.post(path, disabled="true")
    story.advance(seconds=10)

    async def canceled() -> bool:
        return (await story.delivery(event, endpoint))["status"] == "canceled"

    await story.until(canceled)
    assert len(sink.received) == 1


async def test_an_event_that_has_been_forgotten_is_not_sent(story: Story, sink: Sink) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.settled(endpoint, ["pending"])
    with psycopg.connect(story.guilder.database_url) as connection:
        connection.execute("DELETE FROM events")
    story.advance(seconds=10)
    await story.settled(endpoint, ["canceled"])
    found = await story.guilder.get(f"/v1/events/{event}/deliveries")
    assert found.status_code == 404
    assert len(sink.received) == 1


async def test_events_and_their_deliveries_are_forgotten_in_their_time(
    story: Story, sink: Sink
) -> None:
    endpoint = await story.endpoint(sink.url)
    await story.customer("first")
    await story.settled(endpoint, ["delivered"])
    story.advance(days=14, hours=23)
    assert await story.sweep("forget_deliveries") == 0
    story.advance(hours=2)
    sink.reply = FAILURE
    await story.customer("waits")
    await story.settled(endpoint, ["pending", "delivered"])
    assert await story.sweep("forget_deliveries") == 1
    assert await story.sweep("forget_events") == 0
    await story.settled(endpoint, ["pending"])
    story.advance(days=15)
    assert await story.sweep("forget_events") == 1
    left = (await story.get("/v1/events"))["data"]
    assert [event["data"]["object"]["name"] for event in left] == ["waits"]


async def test_what_was_sent_again_lately_is_not_forgotten(story: Story, sink: Sink) -> None:
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.settled(endpoint, ["delivered"])
    story.advance(days=16)
    await story.post(f"/v1/events/{event}/retry", webhook_endpoint=endpoint["id"])
    await story.attempted(event, endpoint, 2)
    assert await story.sweep("forget_deliveries") == 0
    story.advance(days=16)
    assert await story.sweep("forget_deliveries") == 1
