"""The head of an answer waits for the body, and never longer than for one turn of the loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from guilder_server.commands.whole_answers import WholeAnswers

pytestmark = pytest.mark.anyio
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Pieces:
    """Writes down what each call of `write` brings, before it goes to the socket."""

    def __init__(self, transport: asyncio.Transport, written: list[bytes]) -> None:
        self._transport, self._written = transport, written

    def write(self, data: bytes) -> None:
        self._written.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


@asynccontextmanager
async def answering(app: App, written: list[bytes] | None = None) -> AsyncIterator[Connection]:
    """A connection to a server of its own; `written` gets each call that would be the system's."""

    class Watched(WholeAnswers):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            seen = Pieces(transport, [] if written is None else written)
            super().connection_made(seen)  # type: ignore[arg-type]

    config = uvicorn.Config(app, http=Watched, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server._serve([listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = server.force_exit = True
        await running


def told(body: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        said = [(b"content-length", str(len(body)).encode()), *headers]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})

    return app


def asked(method: str = "GET", *headers: str) -> bytes:
    return "\r\n".join([f"{method} / HTTP/1.1", "host: guilder", *headers, "", ""]).encode()


async def _until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    async with asyncio.timeout(20):
        return await reader.readuntil(end)


async def test_head_and_body_go_to_the_system_together() -> None:
    written: list[bytes] = []
    async with answering(told(b"whole"), written) as (reader, writer):
        for _ in range(2):
            writer.write(asked())
            assert (await _until(reader, b"whole")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert [piece.endswith(b"\r\n\r\nwhole") for piece in written] == [True, True]


async def test_requests_sent_without_waiting_are_answered_in_their_order() -> None:
    written: list[bytes] = []
    async with answering(told(b"whole"), written) as (reader, writer):
        writer.write(asked() * 3)
        for _ in range(3):
            assert (await _until(reader, b"whole")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(written) == 3


@pytest.mark.parametrize(("method", "status", "length"), [("HEAD", 200, 5), ("GET", 204, 0)])
async def test_an_answer_without_a_body_arrives(method: str, status: int, length: int) -> None:
    async with answering(told(b"x" * length, status)) as (reader, writer):
        for _ in range(2):
            writer.write(asked(method))
            head = await _until(reader, b"\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_connection_that_ends_with_the_answer_ends_after_it() -> None:
    async with answering(told(b"", 503, (b"connection", b"close"))) as (reader, writer):
        writer.write(asked("POST"))
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


async def test_a_body_that_takes_its_time_does_not_keep_the_head() -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    async with answering(app) as (reader, writer):
        writer.write(asked())
        await _until(reader, b"\r\n\r\n")
        go_on.set()
        assert await _until(reader, b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_client_that_asks_whether_to_go_on_is_told_before_it_is_answered() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        await told(body)(scope, receive, send)

    async with answering(app) as (reader, writer):
        writer.write(asked("POST", "content-length: 4", "expect: 100-continue"))
        assert await _until(reader, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await _until(reader, b"body")).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_answers_to_somebody_who_has_gone_are_for_nobody(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """The first one finds out, and the second has been begun by then."""
    asked_for, go_on, answers = asyncio.Event(), asyncio.Event(), asyncio.Semaphore(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked_for.set()
        await go_on.wait()
        await asyncio.sleep(0.02)
        try:
            await told(b"whole")(scope, receive, send)
        finally:
            answers.release()

    async with answering(app) as (_, writer):
        log = logging.getLogger("uvicorn")  # it has set up handlers of its own by now
        log.addHandler(caplog.handler)
        request.addfinalizer(lambda: log.removeHandler(caplog.handler))
        writer.write(asked() * 3)
        async with asyncio.timeout(20):
            await asked_for.wait()
            writer.transport.abort()
            go_on.set()
            await answers.acquire()
            await answers.acquire()
    assert caplog.messages == []
