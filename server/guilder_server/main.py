"""The HTTP application: what `guilder serve` and `guilder dev` run."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from guilder_server import logs
from guilder_server.composition import MakeGateways, Server, compose, sandbox_only
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.settings import Settings


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    make_gateways: MakeGateways = sandbox_only,
) -> ASGIApp:
    """The ASGI application of `guilder serve` and `guilder dev`."""
    settings.require("key_pepper", "fingerprint_key", "sealing_key")
    if settings.oidc_issuer:
        settings.require("oidc_client_id")
    logs.configure(settings.log_level)
    return application(compose(settings, clock or SystemClock(), make_gateways))


def application(server: Server) -> ASGIApp:
    """What answers requests by `server`, which it opens and closes."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await server.open()
        _settle_memory()
        try:
            yield
        finally:
            await server.close()

    routes = [*_health_routes(server), *server.pages, Mount("/", server.app)]
    return _Front(server.app, Starlette(routes=routes, lifespan=lifespan))


class _Front:
    """What the contract defines goes straight to it. Starlette's router and its middleware do
    the rest, and would cost every payment a fifteenth of its time for nothing."""

    def __init__(self, contract: ASGIApp, rest: ASGIApp) -> None:
        self._contract, self._rest = contract, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self._contract if straight else self._rest)(scope, receive, send)


def _health_routes(server: Server) -> list[Route]:
    async def health(_: Request) -> Response:
        """Whether this process can reach its database."""
        try:
            async with asyncio.timeout(2), server.pool.point(()) as connection:
                await connection.execute("SELECT 1")
        except Exception:  # noqa: BLE001 - whatever the reason, the answer is the same
            return JSONResponse({"status": "unavailable"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    return [Route("/healthz", health), Route("/livez", alive)]


def _settle_memory() -> None:
    """The contract and the code stay for good: the collector need not walk them each time. And a
    request makes thousands of objects that die by themselves, so it need not look that often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
