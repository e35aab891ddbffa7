"""The worker carries events to an endpoint, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import stripe
from standardwebhooks import Webhook

from tests.support.listeners import answer
from tests.support.local_program import Received
from tests.support.sinks import OK, Sink, sinking
from tests.support.webhook_story import Story

FAILURE = answer("500 Internal Server Error", b"not now")


def verified(received: Received, secret: str) -> Any:
    """The event, once both kinds of clients have accepted it."""
    event = stripe.Webhook.construct_event(
        received.body, received.headers["Stripe-Signature"], secret
    )
    assert Webhook(secret).verify(received.body, received.headers) == received.event
    return event


async def test_an_event_arrives_signed_and_as_the_api_shows_it(story: Story, sink: Sink) -> None:
    endpoint = await story.endpoint(sink.url)
    event = await story.customer("Ada · 海蒂")
    await story.settled(endpoint, ["delivered"])
    (received,) = sink.received
    assert verified(received, endpoint["secret"]).data.object.name == "Ada · 海蒂"
    # It had not received it yet.
    shown = await story.get(f"/v1/events/{event}")
    assert received.event == {**shown, "pending_webhooks": 1}
    assert shown["pending_webhooks"] == 0
    assert received.headers["Content-Type"] == "application/json; charset=utf-8"
    assert received.headers["User-Agent"].startswith("Guilder/")
    assert received.headers["webhook-id"] == event


async def test_an_endpoint_that_fails_twice_gets_it_again_and_recovers(
    story: Story, sink: Sink
) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    event = await story.customer()

    async def failing() -> bool:
        return (await story.get(path))["failing_since"] is not None

    for failures, longest in ((1, 6), (2, 24)):
        await story.attempted(event, endpoint, failures)
        assert await story.statuses(endpoint) == ["pending"]
        await story.until(failing)
        story.advance(seconds=0.79 * longest / 1.2)
        await story.nothing_more()
        assert len(sink.received) == failures
        if failures == 2:
            sink.reply = OK
        story.advance(seconds=longest)
    await story.settled(endpoint, ["delivered"])
    assert sink.ids == [event] * 3
    assert len({received.body for received in sink.received}) == 1
    stamps = [int(received.headers["webhook-timestamp"]) for received in sink.received]
    assert stamps == sorted(set(stamps))
    for received in sink.received:
        verified(received, endpoint["secret"])
    attempts = (await story.delivery(event, endpoint))["attempts"]
    assert [one["status_code"] for one in attempts] == [500, 500, 200]
    assert [one["response_excerpt"] for one in attempts] == ["not now", "not now", ""]

    async def recovered() -> bool:
        return not await failing()

    await story.until(recovered)


async def test_after_the_last_attempt_a_person_may_ask_for_more(story: Story, sink: Sink) -> None:
    sink.reply = FAILURE
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    for attempt in range(1, 6):
        await story.attempted(event, endpoint, attempt)
        await story.settled(endpoint, ["failed" if attempt == 5 else "pending"])
        story.advance(minutes=4)
    await story.nothing_more()
    assert len(sink.received) == 5
    sink.reply = OK
    await story.post(f"/v1/events/{event}/retry", webhook_endpoint=endpoint["id"])
    await story.settled(endpoint, ["delivered"])
    attempts = (await story.delivery(event, endpoint))["attempts"]
    assert [one["status_code"] for one in attempts] == [500] * 5 + [200]


@pytest.mark.parametrize(
    ("second", "so"),
    [
        (answer("410 Gone"), lambda found: found["disabled_reason"] == "gone"),
        (OK, lambda found: found["failing_since"] is None),
    ],
    ids=["gone", "recovered"],
)
async def test_what_it_answers_while_a_failure_is_written_down_counts_as_well(
    story: Story, sink: Sink, second: bytes, so: Callable[[Any], bool]
) -> None:
    both = asyncio.Barrier(2)

    async def script(received: Received) -> bytes:
        await both.wait()
        first = received.event["data"]["object"]["name"] == "first"
        if not first:
            await asyncio.sleep(0.003)
        return FAILURE if first else second

    sink.script = script
    endpoint = await story.endpoint(sink.url, "customer.created")
    await story.customer("first")
    await story.customer("second")
    await story.until(lambda: len(sink.received) == 2)
    await story.nothing_more()

    async def remembered() -> bool:
        return so(await story.now(endpoint))

    await story.until(remembered, 5)


async def test_an_event_that_cannot_be_read_is_tried_later_and_is_not_the_endpoints_fault(
    story: Story, sink: Sink
) -> None:
    with psycopg.connect(story.guilder.database_url, autocommit=True) as connection:
        async with sinking(FAILURE) as elsewhere:
            endpoint = await story.endpoint(elsewhere.url)
            event = await story.customer("broken")
            await story.settled(endpoint, ["pending"])
        await story.change(endpoint, url=sink.url)
        (payload,) = connection.execute("SELECT payload FROM events").fetchone() or ("",)
        connection.execute("UPDATE events SET payload = 'broken'")
        story.advance(seconds=10)
        await story.customer("sound")
        await story.until(lambda: len(sink.received) == 1)

        async def noted() -> bool:
            return len((await story.delivery(event, endpoint))["attempts"]) == 2

        await story.until(noted, 5)
        (_, attempt) = (await story.delivery(event, endpoint))["attempts"]
        assert (attempt["status_code"], attempt["trouble"]) == (None, "internal_error")
        assert (await story.now(endpoint))["failing_since"] is None
        connection.execute("UPDATE events SET payload = %s WHERE id = %s", [payload, event])
    story.advance(minutes=1)
    await story.settled(endpoint, ["delivered"] * 2)


async def test_a_test_event_reaches_the_endpoint_that_it_is_about(story: Story, sink: Sink) -> None:
    async with sinking() as other:
        endpoint = await story.endpoint(sink.url, "charge.failed", connect="true")
        await story.endpoint(other.url)
        await story.post(f"/v1/webhook_endpoints/{endpoint['id']}/test")
        await story.settled(endpoint, ["delivered"])
        assert sink.types == ["webhook_endpoint.test"]
        told = verified(sink.received[0], endpoint["secret"])
        assert told.data.object.id == endpoint["id"]
        assert other.received == []


async def test_a_redirect_is_not_followed_and_counts_as_a_failure(story: Story, sink: Sink) -> None:
    moved = answer("301 Moved Permanently", b"over there", f"Location: {sink.url}")
    async with sinking(moved) as old:
        endpoint = await story.endpoint(old.url)
        event = await story.customer()
        await story.settled(endpoint, ["pending"])
    assert sink.received == []
    (attempt,) = (await story.delivery(event, endpoint))["attempts"]
    assert (attempt["status_code"], attempt["response_excerpt"]) == (301, "over there")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"it is \x00 here", "it is \ufffd here"),
        (bytes(range(128, 256)), "\ufffd" * 128),
        (b"z" * 100_000, "z" * 1000),
    ],
)
async def test_whatever_it_answers_can_be_read_in_the_log(
    story: Story, sink: Sink, body: bytes, shown: str
) -> None:
    sink.reply = answer(body=body)
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.settled(endpoint, ["delivered"])
    (attempt,) = (await story.delivery(event, endpoint))["attempts"]
    assert attempt["response_excerpt"] == shown


async def test_nobody_listening_is_said_in_a_word(story: Story) -> None:
    async with sinking() as closed:
        url = closed.url
    endpoint = await story.endpoint(url)
    event = await story.customer()
    await story.settled(endpoint, ["pending"])
    (attempt,) = (await story.delivery(event, endpoint))["attempts"]
    assert (attempt["status_code"], attempt["trouble"]) == (None, "connection_refused")


async def test_rolling_under_load_never_sends_what_a_listener_cannot_verify(
    story: Story, sink: Sink
) -> None:
    endpoint = await story.endpoint(sink.url)
    secrets, path = [endpoint["secret"]], f"/v1/webhook_endpoints/{endpoint['id']}"

    async def happen() -> None:
        for _ in range(12):
            await story.post("/v1/customers", name="Ada")
            story.wake()

    async def roll() -> None:
        for overlap in ("3600", "3600", "0"):
            await asyncio.sleep(0.1)
            rolled = await story.post(f"{path}/roll_secret", overlap_s=overlap)
            secrets.append(rolled["secret"])

    await asyncio.gather(happen(), happen(), happen(), roll())
    await story.until(lambda: len(set(sink.ids)) == 36)
    current = 0
    for received in sink.received:
        signed = [each for each in secrets if accepts(each, received)]
        assert 1 <= len(signed) <= 2
        # Never an older one than before, but for what was on its way.
        assert secrets.index(signed[-1]) >= current - 1
        current = secrets.index(signed[-1])
    assert len(set(secrets)) == 4


def accepts(secret: str, received: Received) -> bool:
    try:
        return bool(verified(received, secret))
    except stripe.SignatureVerificationError:
        return False
