"""Carries one request to a webhook endpoint, which may be slow, dead or hostile."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic

from aiohttp import (
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
)
from yarl import URL

from guilder_server.webhooks.domain.addresses import forbidden
from guilder_server.webhooks.domain.excerpts import EXCERPT_BYTES, excerpt_of
from guilder_server.webhooks.domain.replies import Reply, Trouble
from guilder_server.webhooks.domain.urls import is_numeric
from guilder_server.webhooks.infra.connections import Connector, Exchange, current_exchange
from guilder_server.webhooks.infra.names import (
    ForbiddenAddress,
    Resolver,
    SystemResolver,
    vetted,
)
from guilder_server.webhooks.infra.troubles import trouble_of

LONGEST_BODY = 64 * 1024

# Small, so that many listeners that answer with a flood hold little memory together.
_READ_BUFFER = 16 * 1024
_LONGEST_HEADER = 8190
_MOST_HEADERS = 100

# What aiohttp would otherwise choose; nothing is unpacked here, so nothing packed is asked for.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}

# Time is kept by Sender.post, over connecting, sending and waiting together.
_UNTIMED = ClientTimeout(total=None, sock_connect=None)


@dataclass(frozen=True, slots=True)
class _Target:
    url: URL
    host: str
    port: int
    address: IPv4Address | IPv6Address | None
    """Where the host is an address already, which aiohttp connects to without asking."""


@dataclass(frozen=True, slots=True)
class _Sessions:
    keeping: ClientSession
    single: ClientSession
    """Each request of which gets a connection of its own."""


class Sender:
    """`timeout_s` is for everything until the status line has come, `body_s` for reading on.

    A listener's idle connection is kept for `idle_s`, below the five seconds after which common
    servers hang up. `per_host` bounds the connections to one host (0: no bound); who has to wait
    for one spends his own `timeout_s`.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 15.0,
        body_s: float = 1.0,
        idle_s: float = 4.0,
        vet_s: float = 2.0,
        per_host: int = 0,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._body_s = body_s
        self._idle_s = idle_s
        self._vet_s = vet_s
        self._per_host = per_host
        self._resolver = resolver or SystemResolver()
        self._tls = tls or _verifying()
        self._sessions: dict[bool, _Sessions] = {}

    async def open(self) -> None:
        self._sessions = {
            loopback: _Sessions(
                keeping=self._session(loopback=loopback, idle_s=self._idle_s),
                single=self._session(loopback=loopback, idle_s=None),
            )
            for loopback in (False, True)
        }

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for pair in sessions.values():
            await pair.keeping.close()
            await pair.single.close()
        await self._resolver.close()

    async def vet(self, url: str, *, loopback: bool) -> Trouble | None:
        """Why nothing may be sent to `url` as things are now, None if something may. A name that
        is not found, or not soon, is no reason: an endpoint may be made before its name."""
        target = _target(url)
        trouble = _refusal(target, loopback=loopback)
        if target is None or trouble is not None or target.address is not None:
            return trouble
        try:
            async with asyncio.timeout(self._vet_s):
                await vetted(self._resolver, target.host, target.port, loopback=loopback)
        except ForbiddenAddress:
            return "forbidden_address"
        except (OSError, ValueError):
            return None
        return None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, loopback: bool
    ) -> Reply:
        """Never raises, except that it can be cancelled."""
        began = monotonic()
        target = _target(url)
        trouble = _refusal(target, loopback=loopback)
        if target is None or trouble is not None:
            return Reply(0, trouble=trouble)
        try:
            async with asyncio.timeout(self._timeout_s):
                response, exchange = await self._answer(
                    self._sessions[loopback], target.url, headers, body
                )
        except Exception as error:  # noqa: BLE001 - whatever happens is the reply
            return Reply(_since(began), trouble=trouble_of(error))
        latency_ms = _since(began)
        excerpt = await self._excerpt(response, exchange)
        return Reply(latency_ms, response.status, excerpt=excerpt)

    async def _answer(
        self, sessions: _Sessions, url: URL, headers: Mapping[str, str], body: bytes
    ) -> tuple[ClientResponse, Exchange]:
        exchange = Exchange()
        current_exchange.set(exchange)
        try:
            return await _post(sessions.keeping, url, headers, body), exchange
        except (ClientOSError, ServerDisconnectedError):
            if not exchange.stale:
                raise
        exchange = Exchange()
        current_exchange.set(exchange)
        return await _post(sessions.single, url, headers, body), exchange

    async def _excerpt(self, response: ClientResponse, exchange: Exchange) -> str:
        """The beginning of the body. What is not read within the bounds never is."""
        content = response.content
        kept = b""
        finished = False
        try:
            if content.is_eof():
                kept = content.read_nowait()
            else:
                async with asyncio.timeout(self._body_s):
                    size = 0
                    while size <= LONGEST_BODY and (chunk := await content.readany()):
                        size += len(chunk)
                        if len(kept) < EXCERPT_BYTES:
                            kept += chunk[:EXCERPT_BYTES]
            finished = content.is_eof()
        except (ClientError, OSError):
            pass  # The status stands, and so does what was read.
        finally:
            if finished:
                exchange.finish()
                response.release()
            else:
                response.close()
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return ""  # Packed, though that was not asked for.
        return excerpt_of(kept)

    def _session(self, *, loopback: bool, idle_s: float | None) -> ClientSession:
        return ClientSession(
            connector=Connector(
                self._resolver,
                self._tls,
                loopback=loopback,
                idle_s=idle_s,
                per_host=self._per_host,
            ),
            headers=_HEADERS,
            timeout=_UNTIMED,
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            max_headers=_MOST_HEADERS,
        )


def _verifying() -> ssl.SSLContext:
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.set_alpn_protocols(["http/1.1"])
    return tls


async def _post(
    session: ClientSession, url: URL, headers: Mapping[str, str], body: bytes
) -> ClientResponse:
    return await session.post(url, data=body, headers=headers, allow_redirects=False)


@lru_cache(maxsize=4096)
def _target(url: str) -> _Target | None:
    """None for what `check_url` would not have let be stored."""
    if "\\" in url or not all("!" <= char <= "~" for char in url):
        return None
    try:
        # Already encoded, so that what is signed for is sent to the letter.
        parsed = URL(url, encoded=True)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        return None
    if (
        parsed.scheme not in {"http", "https"}
        or not host
        or not port
        or "@" in parsed.raw_authority
    ):
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return None if is_numeric(host) else _Target(parsed, host, port, None)
    return _Target(parsed, host, port, address)


def _refusal(target: _Target | None, *, loopback: bool) -> Trouble | None:
    if target is None or (target.url.scheme == "http" and not loopback):
        return "forbidden_url"
    if target.address is not None and forbidden(target.address, loopback=loopback):
        return "forbidden_address"
    return None


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
