"""`guilder events tail`: the account's events on the terminal, as they happen."""

from __future__ import annotations

from collections.abc import Sequence

from guilder_server.commands.desk.api_address import Whereabouts
from guilder_server.commands.desk.event_lines import as_json, as_line, notice, say
from guilder_server.commands.desk.event_stream import EventStream
from guilder_server.commands.desk.until_stopped import run_until_stopped


def tail(whereabouts: Whereabouts, types: Sequence[str], limit: int, *, json: bool) -> int:
    return run_until_stopped(lambda: _tail(whereabouts, types, limit, json=json))


async def _tail(whereabouts: Whereabouts, types: Sequence[str], limit: int, *, json: bool) -> None:
    shown = as_json if json else as_line
    stream = EventStream(whereabouts, types, notice, "events tail")
    try:
        for event in await stream.begin(old=limit):
            say(shown(event))
        async for event in stream.events():
            say(shown(event))
    finally:
        await stream.close()
