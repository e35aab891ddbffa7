"""Answers that leave in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class WholeAnswers(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but for the head of an answer, which waits for the body.

    uvicorn writes the one and then the other, and the loop hands each to the system at once. A
    server that is killed between the two leaves half an answer, and the official clients, which
    ask again when there is none, do not when it breaks off. It is one call of the system less, too.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _HeadWithBody(transport, self.loop)))


class _HeadWithBody:
    """A transport that keeps the head of an answer until more is written, and at the latest until
    the turn of the loop ends: an answer may have no body, or one that takes its time."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._let_go)
            return
        self._send(data)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._send(head)

    def _send(self, data: bytes) -> None:
        # Of several requests that were sent at once, uvicorn tells the last one only that the
        # caller has gone. The others' answers would be faults: they are for nobody.
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
