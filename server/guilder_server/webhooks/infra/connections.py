"""Connections to listeners: opened to vetted addresses only, and given up without ceremony."""

from __future__ import annotations

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Any, cast

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from guilder_server.webhooks.infra.names import Resolver, refuse_forbidden, vetted

# Answers that may lie unread on a connection: a few of status 1xx, which precede the one that
# counts.
_MOST_UNREAD = 16

# Of one answer: the body that is read (LONGEST_BODY), headers, and what chunks cost.
_MOST_RECEIVED = 96 * 1024

# What comes at once is taken in such pieces, since a piece may hold a great many answers.
_SLICE = 16 * 1024


@dataclass(slots=True, eq=False)
class Exchange:
    """One request on a connection, and what is known of its answer."""

    connection: Connection | None = None
    reused: bool = False
    received: int = 0
    stopped: bool = False

    @property
    def stale(self) -> bool:
        """The connection had served before and no byte came back on it this time, as when the
        other side hung up while it was idle."""
        return self.reused and not self.received

    def finish(self) -> None:
        """The whole answer was read, so the connection may serve again."""
        if self.connection is not None and self.connection.exchange is self:
            self.connection.exchange = None


# The exchange that the running task is about to begin; the connection that is found for it
# enters itself there.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


class Connection(ResponseHandler):
    """What aiohttp does, within bounds: a listener that talks out of turn, or never stops, is
    hung up on, and nobody waits for it to take leave."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.exchange: Exchange | None = None
        self._served = False

    def set_response_params(self, **params: Any) -> None:
        exchange = current_exchange.get()
        exchange.connection = self
        exchange.reused = self._served
        self.exchange = exchange
        self._served = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            if data:
                self.abort()
            return
        if exchange.stopped:
            return
        for start in range(0, len(data) or 1, _SLICE):
            piece = data[start : start + _SLICE]
            exchange.received += len(piece)
            super().data_received(piece)
            if exchange.received > _MOST_RECEIVED or len(self._buffer) > _MOST_UNREAD:
                self._stop(exchange)
                return

    def _stop(self, exchange: Exchange) -> None:
        """Enough was received: what there is of the body is all of it, without a body it is no
        answer."""
        exchange.stopped = True
        payload = self._payload
        if payload is None or len(self._buffer) > _MOST_UNREAD:
            self._buffer.clear()
            self.abort()
            self.set_exception(HttpProcessingError(message="no end of headers or of answers"))
        elif payload.is_eof():
            self.abort()
        else:
            self.force_close()
            payload.feed_eof()

    def close(self) -> None:
        # A polite close first sends what is left to be sent, which takes as long as the other
        # side likes.
        self.abort()


class Connector(TCPConnector):
    """Looks a name up once for each connection that it opens, and vets what it finds.

    Every connection of a connector was vetted by the same `loopback`, so one that was opened
    under the wider rule cannot serve a request under the narrower.
    """

    def __init__(
        self,
        resolver: Resolver,
        tls: SSLContext,
        *,
        loopback: bool,
        idle_s: float | None,
        per_host: int,
    ) -> None:
        keeping: dict[str, Any] = (
            {"force_close": True} if idle_s is None else {"keepalive_timeout": idle_s}
        )
        super().__init__(
            resolver=_Vetting(resolver, loopback=loopback),
            use_dns_cache=False,
            ssl=tls,
            limit=0,
            limit_per_host=per_host,
            socket_factory=partial(_vetted_socket, loopback=loopback),
            **keeping,
        )
        self._factory = cast(partial[ResponseHandler], partial(Connection, loop=self._loop))


class _Vetting(AbstractResolver):
    def __init__(self, resolver: Resolver, *, loopback: bool) -> None:
        self._resolver = resolver
        self._loopback = loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await vetted(self._resolver, host, port, loopback=self._loopback)
        ]

    async def close(self) -> None:
        """Who made the resolver closes it."""


def _vetted_socket(info: Any, *, loopback: bool) -> socket.socket:
    """The last wall. What is above has vetted this address already; should it ever fail to,
    no socket comes of it."""
    family, type_, protocol, _, address = info
    refuse_forbidden(str(address[0]), loopback=loopback)
    return socket.socket(family, type_, protocol)
