"""Answers that are sent while they are read, over a real socket: how they begin, end and break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from guilder_server.commands.whole_answers import WholeAnswers
from guilder_server.http import app as http
from guilder_server.http.answer import Streamed
from guilder_server.http.call import Call
from guilder_server.kernel.errors import NotFound, Unavailable
from tests.http import small
from tests.http.small import Memory
from tests.http.test_app import Api

pytestmark = pytest.mark.anyio
PIECE = b"x" * 65_536


class Reader(Api):
    """Its list of payments is one long text. `pieces` are sent, then `ending` is raised."""

    def __init__(self) -> None:
        super().__init__(Memory())
        self.pieces: list[bytes] = []
        self.ending: Exception | None = None
        self.endless = False
        self.closed = asyncio.Event()

    async def list_payments(self, call: Call) -> Streamed:  # type: ignore[override]
        return Streamed("text/plain", self._read(), "list.txt")

    async def _read(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self.pieces:
                yield piece
            while self.endless:
                await asyncio.sleep(0)
                yield PIECE
            if self.ending is not None:
                raise self.ending
        finally:
            self.closed.set()


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def client(reader: Reader) -> AsyncIterator[httpx.AsyncClient]:
    async with served(reader) as client:
        yield client


@asynccontextmanager
async def served(reader: Reader) -> AsyncIterator[httpx.AsyncClient]:
    app = small.app(Memory(), reader)
    config = uvicorn.Config(app, port=0, http=WholeAnswers, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": "Bearer sk_test_one"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as one:
            yield one
    finally:
        server.should_exit = server.force_exit = True
        await running


async def test_the_pieces_arrive_as_one_answer_with_its_headers(
    client: httpx.AsyncClient, reader: Reader
) -> None:
    reader.pieces = [b"one, ", b"", b"two"]
    answer = await client.get("/v1/payments")
    assert (answer.status_code, answer.text) == (200, "one, two")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == 'attachment; filename="list.txt"'
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get("/v1/payments")).text == "one, two"  # on the same connection
    assert reader.closed.is_set()


async def test_an_answer_may_be_empty(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/payments")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (NotFound("payment", "pay_1", "payment"), 404),
        (Unavailable("The database did not answer."), 503),
        (ZeroDivisionError("secret detail"), 500),
    ],
)
async def test_what_goes_wrong_before_the_first_piece_is_answered_as_any_error(
    client: httpx.AsyncClient, reader: Reader, ending: Exception, status: int
) -> None:
    reader.ending = ending
    answer = await client.get("/v1/payments")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert "content-disposition" not in answer.headers
    assert "secret" not in answer.text
    assert answer.json()["error"]["type"]


@pytest.mark.parametrize("ending", [ZeroDivisionError("x"), Unavailable("x")])
async def test_what_goes_wrong_later_breaks_the_answer_off(
    client: httpx.AsyncClient, reader: Reader, ending: Exception
) -> None:
    reader.pieces, reader.ending = [b"one, "], ending
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/v1/payments")
    reader.ending = None
    assert (await client.get("/v1/payments")).text == "one, "


async def test_who_goes_away_is_read_for_no_more(client: httpx.AsyncClient, reader: Reader) -> None:
    reader.endless = True
    async with client.stream("GET", "/v1/payments") as answer:
        pieces = answer.aiter_raw()  # left to itself, it would close the connection
        await anext(pieces)
        assert not reader.closed.is_set()
    await asyncio.wait_for(reader.closed.wait(), 5)


async def test_who_takes_nothing_is_given_up(
    client: httpx.AsyncClient, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TAKING_DEADLINE_S", 0.2)
    reader.endless = True
    async with client.stream("GET", "/v1/payments"):
        await asyncio.wait_for(reader.closed.wait(), 5)
