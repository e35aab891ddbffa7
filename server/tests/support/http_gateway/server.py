"""The gateway's process: `python -m tests.support.http_gateway.server RECORD [--port N] …`.

It prints its port once it listens, and ends when its standard input does, so that it never
outlives the test that started it. How slow it is and how often it drops a reply can be changed
while it runs: POST /temper.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import sys
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.support.http_gateway.record import MismatchError, Record


@dataclass(frozen=True)
class Temper:
    """Half of the delay passes before a request is carried out, half before it is answered;
    queries are quick. `drop_before` and `drop_after` are how likely the connection dies at
    either point."""

    delay_ms: int = 0
    drop_before: float = 0.0
    drop_after: float = 0.0
    seed: int = 0


class DroppedReply(Response):
    """Promises a body and breaks off: the client sees the connection die."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # uvicorn closes a connection whose response was begun and not finished.


class HttpGatewayServer:
    def __init__(self, record: Record, temper: Temper) -> None:
        self._record = record
        self._drops = {"before": 0, "after": 0}
        self._set(temper)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/temper", self.set_temper, methods=["POST"]),
                Route("/ledger", self.ledger),
                Route("/attempts/{id}", self.attempt),
                Route("/{kind}", self.carry_out, methods=["POST"]),
            ]
        )

    async def carry_out(self, request: Request) -> Response:
        body = await request.json()
        if await self._dropped("before", self._temper.drop_before):
            return DroppedReply()
        try:
            answer = self._record.carry_out(request.path_params["kind"], body)
        except MismatchError:
            return JSONResponse({"error": "this id was used for another request"}, 409)
        if await self._dropped("after", self._temper.drop_after):
            return DroppedReply()
        return JSONResponse(answer)

    async def attempt(self, request: Request) -> Response:
        answer = self._record.answer_to(request.path_params["id"])
        if self._random.random() < self._temper.drop_after:
            return DroppedReply()
        if answer is None:
            return JSONResponse({"error": "no such attempt"}, 404)
        return JSONResponse(answer)

    async def ledger(self, request: Request) -> Response:
        return JSONResponse({**self._record.everything(), "dropped": self._drops})

    async def set_temper(self, request: Request) -> Response:
        self._set(replace(self._temper, **await request.json()))
        return JSONResponse(asdict(self._temper))

    def _set(self, temper: Temper) -> None:
        self._temper = temper
        self._random = random.Random(temper.seed)

    async def _dropped(self, when: str, likelihood: float) -> bool:
        await asyncio.sleep(self._temper.delay_ms / 2000)
        dropped = self._random.random() < likelihood
        self._drops[when] += dropped
        return dropped


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("record", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--temper", type=json.loads, default={})
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", arguments.port))
    gateway = HttpGatewayServer(Record(arguments.record), Temper(**arguments.temper))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(gateway.app(), log_level="critical", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
