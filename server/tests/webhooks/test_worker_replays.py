"""What was missed is sent again: after an outage, to a new endpoint, for a stretch of time."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.support.listeners import answer
from tests.support.sinks import OK, Sink, sinking
from tests.support.webhook_story import Json, Story

FAILURE = answer("503 Service Unavailable")
GONE = answer("410 Gone")

_COPIES = """
INSERT INTO events (tenant_id, id, type, created, object_id, payload, sequence)
SELECT tenant_id, left(id, 19) || lpad(n::text, 9, '0'), type, created - n * interval '20 seconds',
    object_id, payload, n
FROM events CROSS JOIN generate_series(1, %s) AS n WHERE id = %s
"""


def an_older_day(story: Story, event: str, count: int) -> None:
    """Copies of an event, twenty seconds apart, that happened before it and went nowhere. Their
    ids say when, as all ids do."""
    from guilder_server.kernel.ids import first_id

    with psycopg.connect(story.guilder.database_url) as connection:
        connection.execute(_COPIES, [count, event])
        rows = connection.execute("SELECT id, created FROM events WHERE id <> %s", [event])
        renamed = [(first_id("evt", at) + id[-15:], id) for id, at in rows.fetchall()]
        connection.cursor().executemany("UPDATE events SET id = %s WHERE id = %s", renamed)


async def replayed(story: Story, endpoint: Json, replay: Json) -> Json:
    """The replay once all of it is on its way."""
    path = f"/v1/webhook_endpoints/{endpoint['id']}/replays/{replay['id']}"
    found: list[Json] = []
    # What happened a moment ago may not be committed yet, so a replay waits for it.
    story.advance(seconds=3)

    async def completed() -> bool:
        await story.sweep("carry_on_replays")
        found.append(await story.get(path))
        return bool(found[-1]["status"] == "completed")

    await story.until(completed, 30)
    return found[-1]


async def begin(story: Story, endpoint: Json, **params: Any) -> Json:
    since = int(story.clock.now().timestamp()) - 86_400
    return await story.change(endpoint, "/replays", **{"since": since, **params})


async def test_a_day_is_replayed_to_a_new_endpoint(story: Story, sink: Sink) -> None:
    event = await story.customer()
    an_older_day(story, event, 2500)
    story.advance(seconds=3)
    endpoint = await story.endpoint(sink.url, "customer.created")
    replay = await begin(story, endpoint)
    done = await replayed(story, endpoint, replay)
    assert done["events"] == 2501
    await story.until(lambda: len(sink.received) == 2501, 30)
    assert sink.repeated() == {}
    (last,) = (await story.get("/v1/events", limit=1))["data"]
    assert last["id"] in sink.ids
    # What is older comes earlier, but for what is under way at the same time.
    places = [sorted(sink.ids).index(id) for id in sink.ids[::250]]
    assert places == sorted(places)


async def test_only_what_lies_in_the_stretch_and_is_wanted_is_replayed(
    story: Story, sink: Sink
) -> None:
    event = await story.customer()
    an_older_day(story, event, 10)
    await story.post("/v1/payment_intents", amount="2000", currency="usd")
    story.advance(seconds=3)
    endpoint = await story.endpoint(sink.url, "customer.created")
    now = int(story.clock.now().timestamp())
    replay = await begin(story, endpoint, since=now - 110, until=now - 50)
    done = await replayed(story, endpoint, replay)
    await story.until(lambda: len(sink.received) == done["events"])
    stamps = [received.event["created"] for received in sink.received]
    assert len(stamps) == 3
    assert all(now - 110 <= stamp < now - 50 for stamp in stamps)


async def test_what_arrived_is_replayed_as_well_if_that_is_wished(story: Story, sink: Sink) -> None:
    endpoint = await story.endpoint(sink.url)
    event = await story.customer()
    await story.settled(endpoint, ["delivered"])
    story.advance(seconds=3)
    await replayed(story, endpoint, await begin(story, endpoint))
    await story.until(lambda: sink.ids == [event] * 2)
    await story.settled(endpoint, ["delivered"])
    assert len((await story.delivery(event, endpoint))["attempts"]) == 2


async def test_only_what_failed_is_replayed_if_that_is_wished(story: Story, sink: Sink) -> None:
    endpoint = await story.endpoint(sink.url)
    await story.customer("arrived")
    await story.settled(endpoint, ["delivered"])
    sink.reply = FAILURE
    failed = await story.customer("failed")
    for attempt in range(5):
        await story.attempted(failed, endpoint, attempt + 1)
        await story.settled(endpoint, ["failed" if attempt == 4 else "pending", "delivered"])
        story.advance(minutes=4)
    sink.reply = OK
    done = await replayed(story, endpoint, await begin(story, endpoint, only_failed="true"))
    assert done["events"] == 1
    await story.settled(endpoint, ["delivered"] * 2)
    assert sink.ids[1:] == [failed] * 6


async def test_one_that_is_enabled_again_gets_what_it_missed(story: Story, sink: Sink) -> None:
    endpoint = await story.endpoint(sink.url, "customer.created")
    await story.change(endpoint, disabled="true")
    story.advance(minutes=5)
    missed = [await story.customer() for _ in range(3)]
    story.advance(minutes=5)
    await story.change(endpoint, disabled="false", replay="true")
    story.advance(seconds=5)
    await story.until(lambda: len(sink.ids) == 3)
    assert sorted(sink.ids) == sorted(missed)


async def test_what_waited_when_it_was_disabled_is_among_what_it_missed(
    story: Story, sink: Sink
) -> None:
    endpoint = await story.endpoint(sink.url, "customer.created")
    await story.customer("arrived")
    await story.settled(endpoint, ["delivered"])
    story.advance(minutes=5)
    sink.reply = FAILURE
    waiting = await story.customer("waits")
    await story.settled(endpoint, ["pending", "delivered"])
    sink.reply = OK
    taken = await story.customer("taken")
    await story.settled(endpoint, ["delivered", "pending", "delivered"])

    async def recovered() -> bool:
        return (await story.now(endpoint))["failing_since"] is None

    await story.until(recovered)
    story.advance(seconds=3)
    await story.change(endpoint, disabled="true")
    story.advance(hours=1)
    await story.settled(endpoint, ["delivered", "canceled", "delivered"])
    story.advance(days=1)
    await story.change(endpoint, disabled="false", replay="true")

    story.advance(seconds=5)

    async def all_there() -> bool:
        await story.sweep("carry_on_replays")
        return await story.statuses(endpoint) == ["delivered"] * 3

    await story.until(all_there)
    assert sink.ids.count(waiting) == 2
    assert sink.ids.count(taken) == 1


async def test_what_was_answered_with_gone_is_among_what_it_missed(
    story: Story, sink: Sink
) -> None:
    sink.reply = GONE
    endpoint = await story.endpoint(sink.url, "customer.created")
    event = await story.customer()
    story.advance(milliseconds=10)
    await story.settled(endpoint, ["failed"])

    async def disabled() -> bool:
        return (await story.now(endpoint))["status"] == "disabled"

    await story.until(disabled)
    sink.reply = OK
    story.advance(days=1)
    await story.change(endpoint, disabled="false", replay="true")
    story.advance(seconds=5)
    # It may come twice more, as what happened around the moment of the 410 is gone through again.
    await story.until(lambda: len(sink.ids) >= 2)
    assert set(sink.ids) == {event}
    await story.settled(endpoint, ["delivered"])


async def test_what_happens_while_it_is_enabled_again_is_not_lost(story: Story, sink: Sink) -> None:
    """An event may be decided before the endpoint is enabled, and committed after."""
    endpoint = await story.endpoint(sink.url, "customer.created")
    await story.change(endpoint, disabled="true")
    story.advance(minutes=5)
    await story.change(endpoint, disabled="false", replay="true")
    story.advance(milliseconds=50)
    event = await story.customer()
    with psycopg.connect(story.guilder.database_url) as connection:
        connection.execute("DELETE FROM webhook_deliveries")
    story.advance(minutes=1)
    await story.until(lambda: event in sink.ids)


async def test_a_replay_to_one_that_is_disabled_meanwhile_ends(story: Story, sink: Sink) -> None:
    await story.customer()
    story.advance(seconds=3)
    endpoint = await story.endpoint(sink.url)
    async with sinking():
        replay = await begin(story, endpoint)
        await story.change(endpoint, disabled="true")
        await story.sweep("carry_on_replays")
    path = f"/v1/webhook_endpoints/{endpoint['id']}/replays/{replay['id']}"
    assert (await story.get(path))["status"] in {"canceled", "completed"}
