"""The ASGI application: reads a request within its limits and sends the answer.

Everything under it speaks of calls and answers; headers, bodies and clients that go away are
known only here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog

from guilder_server.http.answer import Answer, Streamed
from guilder_server.http.auth import (
    Credential,
    Keyring,
    authenticate,
    authorize,
    check_address,
    check_version,
)
from guilder_server.http.call import Call
from guilder_server.http.decode import decode_body, decode_form, merge
from guilder_server.http.errors import HttpRefusal, answer_error, answer_fault
from guilder_server.http.execute import Executor
from guilder_server.http.idempotency import read_key
from guilder_server.http.limits.admission import Admission
from guilder_server.http.limits.strangers import Strangers
from guilder_server.http.origin import Origins
from guilder_server.http.router import Router
from guilder_server.http.seen import Recorder, Seen
from guilder_server.http.sessions import Sessions, by_session, session_token
from guilder_server.kernel.errors import GuilderError
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.secret_texts import redacted_text
from guilder_server.kernel.traces import trace_of

log = structlog.get_logger(__name__)

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

LARGEST_BODY = 1 << 20
LARGEST_URL = 8 << 10
LARGEST_HEADERS = 16 << 10
MOST_HEADERS = 100
BODY_DEADLINE_S = 30
# How long a caller may leave a piece of a long answer untaken.
TAKING_DEADLINE_S = 60.0

_READ = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"cookie",
        b"idempotency-key",
        b"origin",
        b"stripe-account",
        b"stripe-livemode",
        b"stripe-version",
        b"x-csrf-token",
    }
)
# Each proxy that a request passes may add one of its own; together they are one list.
_JOINED = frozenset({b"x-forwarded-for"})
_EXPOSED = (
    b"Request-Id, Stripe-Version, Guilder-Version, Idempotency-Key, Idempotent-Replayed, "
    b"Stripe-Should-Retry, Stripe-Rate-Limited-Reason, Retry-After, RateLimit, RateLimit-Policy"
)
# What is left of a body that nobody reads to its end would be taken for the next request.
_CLOSE = ((b"connection", b"close"),)
_JSON = (b"content-type", b"application/json")


class ClientGone(Exception):
    """The caller closed the connection before the request was complete."""


class BrokenOff(Exception):
    """An answer that had begun cannot be completed. The server closes the connection under it, so
    that nobody takes what was sent for the whole."""


@dataclass(slots=True)
class _Exchange:
    """One request, and what its answer must carry however it ends."""

    id: str
    method: str
    seen: Seen
    key: str | None = None
    headers: list[Header] = field(default_factory=list)

    def echo(self, name: bytes, value: str) -> None:
        self.headers.append((name, value.encode()))

    def repeatable(self) -> bool:
        """Whether it may be sent again without knowing whether it took effect."""
        return self.method == "GET" or self.key is not None


class App:
    def __init__(
        self,
        *,
        router: Router,
        keyring: Keyring,
        executor: Executor,
        ids: Ids,
        api_version: str,
        server_version: str,
        origins: Origins | None = None,
        sessions: Sessions | None = None,
        used: Callable[[Credential], None] = lambda _: None,
        admission: Admission | None = None,
        strangers: Strangers | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._router, self._keyring, self._executor = router, keyring, executor
        self._ids, self._origins = ids, origins or Origins()
        self._sessions, self._used = sessions, used
        self._admission, self._strangers = admission, strangers or Strangers(0)
        self._recorder = recorder
        self._headers: list[Header] = [
            (b"cache-control", b"no-store"),
            (b"stripe-version", api_version.encode()),
            (b"guilder-version", server_version.encode()),
            # A browser may read what a publishable key may ask; cookies have no part in it.
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        id, method = self._ids.new("req"), scope["method"]
        exchange = _Exchange(id, method, Seen(id, method, scope["path"]))
        exchange.echo(b"request-id", exchange.id)
        try:
            await self._serve(scope, receive, send, exchange)
        finally:
            self._end(exchange)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        try:
            answer = await self._answer(scope, receive, exchange)
        except ClientGone:
            return
        except GuilderError as error:
            answer = answer_error(error, repeatable=exchange.repeatable())
        except Exception as error:  # noqa: BLE001 - answered as a fault of ours, and logged
            _log_failure("request_failed", error, exchange, scope)
            answer = answer_fault()
        if isinstance(answer, Answer):
            await self._send(answer, exchange, send)
            return
        try:
            await self._stream(answer, exchange, receive, send)
        except Exception as error:  # noqa: BLE001 - logged, and shown by the answer's end
            _log_failure("answer_broken_off", error, exchange, scope)
            raise BrokenOff(exchange.id) from None

    async def _answer(
        self, scope: Scope, receive: Receive, exchange: _Exchange
    ) -> Answer | Streamed:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        if len(raw_path) + len(query) > LARGEST_URL:
            raise HttpRefusal(414, f"The URL is longer than {LARGEST_URL} bytes.")
        headers = read_headers(scope["headers"])
        method = exchange.method
        if method == "OPTIONS" and (allowed := self._router.browser_methods(raw_path)):
            return _preflight(allowed)
        route, path = self._router.find(method, raw_path)
        operation = route.operation
        if method == "POST" and (sent := headers.get(b"idempotency-key")) is not None:
            exchange.key = read_key(sent)
            exchange.echo(b"idempotency-key", exchange.key)
        seen = exchange.seen
        seen.operation, seen.idempotency_key = operation, exchange.key
        seen.address, seen.version = (
            self._address(scope, headers),
            _text(headers, b"stripe-version"),
        )
        credential = seen.credential = await self._credential(method, headers, seen.address)
        with self._strangers.keeping_out(seen.address):
            check_address(credential, seen.address)
        self._used(credential)
        # Before it is known whether they may: who is refused without end floods all the same.
        if self._admission is not None:
            exchange.headers += await self._admission.enter(credential, operation)
            seen.admitted = True
        account = _text(headers, b"stripe-account")
        authorize(credential, operation, account)
        if account is not None:
            exchange.echo(b"stripe-account", account)
        check_version(seen.version)
        body = await read_body(receive, headers.get(b"content-length"))
        raw, typed = read_parameters(method, _text(headers, b"content-type"), query, body)
        seen.params, seen.size = raw, len(body)
        params = operation.parameters.read(raw, typed)
        call = Call(
            tenant=credential.tenant,
            operation=operation,
            expand=tuple(params.pop("expand", ())),
            params=params,
            path=path,
            credential=credential,
            request_id=exchange.id,
            idempotency_key=exchange.key,
            address=seen.address,
        )
        return await self._executor.run(route.handler, call)

    async def _credential(
        self, method: str, headers: dict[bytes, bytes], address: str | None
    ) -> Credential:
        """Of a key, if one was sent; else of the person whose browser asks."""
        authorization = _text(headers, b"authorization")
        if authorization is None and self._sessions is not None:
            token = session_token(headers, self._sessions)
            if token is not None:
                with self._strangers.watched(address, token):
                    return await by_session(token, method, headers, self._sessions)
        with self._strangers.watched(address, authorization):
            return await authenticate(authorization, self._keyring)

    def _end(self, exchange: _Exchange) -> None:
        """Once nothing more is done for a request, however it ended."""
        seen = exchange.seen
        if seen.admitted and self._admission is not None and seen.credential is not None:
            self._admission.leave(seen.credential)
        if seen.credential is not None and seen.status and self._recorder is not None:
            seen.ended = time.monotonic()
            self._recorder.record(seen)

    def _address(self, scope: Scope, headers: dict[bytes, bytes]) -> str | None:
        peer = scope.get("client")
        return self._origins.of(peer and peer[0], _text(headers, b"x-forwarded-for"))

    async def _send(self, answer: Answer, exchange: _Exchange, send: Send) -> None:
        exchange.seen.status, exchange.seen.answer = answer.status, answer.body
        length = (b"content-length", str(len(answer.body)).encode())
        headers = [_JSON, *self._headers, *exchange.headers, *answer.headers, length]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _stream(
        self, answer: Streamed, exchange: _Exchange, receive: Receive, send: Send
    ) -> None:
        exchange.seen.status = 200
        headers = [*self._headers, *exchange.headers, *answer.headers]
        # Sending to a caller who has gone is not told: only receiving is.
        gone = asyncio.create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _send_piece(send, answer.first)
            async for chunk in answer.chunks:
                if gone.done():
                    return
                await _send_piece(send, chunk)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            await answer.chunks.aclose()


async def _send_piece(send: Send, piece: bytes) -> None:
    """Raises TimeoutError if it is not taken."""
    async with asyncio.timeout(TAKING_DEADLINE_S):
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _log_failure(event: str, error: Exception, exchange: _Exchange, scope: Scope) -> None:
    log.error(
        event,
        request_id=exchange.id,
        method=exchange.method,
        path=redacted_text(scope["path"])[:200],
        error=type(error).__name__,
        trace=trace_of(error),
    )


def read_parameters(
    method: str, content_type: str | None, query: bytes, body: bytes
) -> tuple[dict[str, Any], bool]:
    """What was sent, wherever it was sent, and whether it came with its types."""
    if method == "GET":
        if body:
            raise HttpRefusal(400, "A GET request takes its parameters in the query string.")
        return decode_form(query), False
    raw, typed = decode_body(content_type, body)
    if query:
        if typed:
            raise HttpRefusal(400, "With a JSON body, all parameters must be in the body.")
        raw = merge(decode_form(query), raw)
    return raw, typed


def read_headers(headers: list[Header]) -> dict[bytes, bytes]:
    """The headers that matter here; each may be sent once."""
    if len(headers) > MOST_HEADERS:
        raise HttpRefusal(431, f"There are more than {MOST_HEADERS} headers.")
    found: dict[bytes, bytes] = {}
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name in _JOINED:
            found[name] = b", ".join((found[name], value)) if name in found else value
        elif name in _READ:
            if name in found:
                raise HttpRefusal(400, f"The header {name.decode()} was sent more than once.")
            found[name] = value
    if size > LARGEST_HEADERS:
        raise HttpRefusal(431, f"The headers are larger than {LARGEST_HEADERS} bytes.")
    return found


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1").strip()


async def read_body(receive: Receive, content_length: bytes | None) -> bytes:
    """The whole body. What is declared or turns out too large is not read to its end."""
    if content_length is not None:
        if not content_length.isdigit():
            raise HttpRefusal(400, "Invalid Content-Length.")
        if len(content_length) > 20 or int(content_length) > LARGEST_BODY:
            raise _too_large()
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                piece = message.get("body", b"")
                size += len(piece)
                if size > LARGEST_BODY:
                    raise _too_large()
                pieces.append(piece)
                if not message.get("more_body", False):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except TimeoutError:
        raise HttpRefusal(408, "The body did not arrive in time.", _CLOSE) from None


def _too_large() -> HttpRefusal:
    return HttpRefusal(413, "The body is larger than 1 MiB.", _CLOSE)


def _preflight(methods: list[str]) -> Answer:
    """A browser asks before it sends a key: only what a publishable key may do is allowed."""
    allowed = ", ".join(methods).encode()
    return Answer(
        200,
        b"{}",
        (
            (b"access-control-allow-methods", allowed),
            (
                b"access-control-allow-headers",
                b"Authorization, Content-Type, Idempotency-Key, Stripe-Account, Stripe-Version",
            ),
            (b"access-control-max-age", b"600"),
        ),
    )
