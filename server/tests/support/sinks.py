"""A listener in the loop of the test that takes webhooks and answers as the test wishes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.support.listeners import answer, listening, read_request
from tests.support.local_program import Received

Script = Callable[[Received], Awaitable[bytes]]

OK = answer()


class Sink:
    """`reply` is what it answers, unless it has a `script`, which decides by what has come."""

    def __init__(self, reply: bytes = OK, script: Script | None = None) -> None:
        self.reply, self.script = reply, script
        self.received: list[Received] = []
        self.url = ""

    @property
    def ids(self) -> list[str]:
        """Of the events that came, in the order in which they did."""
        return [each.headers["webhook-id"] for each in self.received]

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.received]

    def repeated(self) -> dict[str, int]:
        return {id: count for id, count in Counter(self.ids).items() if count > 1}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            received = _parsed(await read_request(reader))
            self.received.append(received)
            writer.write(self.reply if self.script is None else await self.script(received))
            await writer.drain()


@asynccontextmanager
async def sinking(reply: bytes = OK, script: Script | None = None) -> AsyncIterator[Sink]:
    sink = Sink(reply, script)
    async with listening(sink.serve) as listener:
        sink.url = listener.url
        yield sink


def _parsed(request: bytes) -> Received:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ")
    return Received(method, path, dict(each.split(": ", 1) for each in headers), body)
