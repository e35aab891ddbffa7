"""`guilder listen`: the account's events, as they happen, to a program on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from guilder_server.commands.desk.api_address import Whereabouts
from guilder_server.commands.desk.event_lines import as_json_of_delivery, as_line, notice, say
from guilder_server.commands.desk.event_stream import EventStream
from guilder_server.commands.desk.forwarding import Forwarder, listener_secret
from guilder_server.commands.desk.until_stopped import run_until_stopped

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Listening:
    """What the command line asks for."""

    whereabouts: Whereabouts
    forward_to: str | None
    types: Sequence[str]
    skip_old: bool
    json: bool


def listen(wanted: Listening) -> int:
    return run_until_stopped(lambda: _listen(wanted))


def print_secret(whereabouts: Whereabouts) -> int:
    say(listener_secret(whereabouts.find().api_key))
    return 0


async def _listen(wanted: Listening) -> None:
    address = wanted.whereabouts.find()
    secret = listener_secret(address.api_key)
    async with AsyncExitStack() as open_until_the_end:
        stream = EventStream(wanted.whereabouts, wanted.types, notice, "listen")
        open_until_the_end.push_async_callback(stream.close)
        forwarder = None
        if wanted.forward_to is not None:
            forwarder = Forwarder(wanted.forward_to, secret)
            open_until_the_end.push_async_callback(forwarder.close)
        await stream.begin(skip_old=wanted.skip_old)
        notice(_opening(wanted, address.api_base, secret))
        await _carry(stream, forwarder, json=wanted.json)


async def _carry(stream: EventStream, forwarder: Forwarder | None, *, json: bool) -> None:
    """A few at a time, each told of when it is done: a slow answer holds up no other."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(event: dict[str, Any], forwarder: Forwarder) -> None:
        try:
            reply = await forwarder.forward(event)
            say(as_json_of_delivery(event, reply) if json else as_line(event, reply))
        finally:
            free.release()

    async with asyncio.TaskGroup() as under_way:
        async for event in stream.events():
            if forwarder is None:
                say(as_json_of_delivery(event, None) if json else as_line(event))
                continue
            await free.acquire()
            under_way.create_task(one(event, forwarder))


def _opening(wanted: Listening, api_base: str, secret: str) -> str:
    what = ", ".join(wanted.types) if wanted.types else "all events"
    lines = [f"Listening to {api_base} for {what}."]
    if wanted.forward_to is not None:
        lines.append(f"They go to {wanted.forward_to}, signed with this secret, which stays")
        lines.append("the same for as long as the API key does:")
        lines += ["", f"  {secret}", ""]
    lines.append("Ctrl-C ends it.")
    return "\n".join(lines)
