"""The HTTP server: a listening socket, and uvicorn in this process or in several."""

from __future__ import annotations

import asyncio
import ctypes
import dataclasses
import errno
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from guilder_server.commands.application import create_app
from guilder_server.commands.whole_answers import WholeAnswers
from guilder_server.settings import Settings, environment_of, read_settings

_PR_SET_PDEATHSIG = 1
_WATCH_INTERVAL_S = 0.25
_KEEP_ALIVE_S = 75  # longer than the load balancers in front of us keep a connection
_WORKER_SILENCE_S = 30


class PortTaken(Exception):
    """Somebody else listens there."""


def listen(host: str, port: int, patience_s: float = 1.0) -> socket.socket:
    """A listening socket. A server that was just killed may need a moment to let go of it."""
    deadline = time.monotonic() + patience_s
    while True:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise PortTaken(
                f"Cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}. "
                "Choose another with --port or GUILDER_PORT."
            ) from None
        listener.set_inheritable(True)
        return listener


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def known_as(settings: Settings, address: str) -> Settings:
    """The settings with a public URL: what the operator says, or where we listen."""
    return dataclasses.replace(settings, public_url=settings.public_url or address)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """SIGTERM is a wish to stop, as Ctrl-C is: both raise KeyboardInterrupt."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    with _handling_signals(interrupt):
        yield


@contextmanager
def _handling_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former)


def _obeyed(_number: int, _frame: object) -> None:
    """uvicorn stops on a signal and then sends it to itself again; by then it has been obeyed."""


def serve_here(
    app: ASGIApp,
    listener: socket.socket,
    settings: Settings,
    on_ready: Callable[[], None],
    watch: Callable[[], None],
    *,
    log_level: str | None = None,
) -> bool:
    """Serve in this process until told to stop; whether it ever got ready."""
    config = _config(app, settings, log_level=log_level or settings.log_level)
    server = _Server(config, on_ready, watch)
    with _handling_signals(_obeyed):
        server.run(sockets=[listener])
    return server.started


def serve_in_workers(
    listener: socket.socket,
    settings: Settings,
    on_ready: Callable[[], None],
    watch: Callable[[], None],
) -> bool:
    """Serve in `settings.workers` processes until told to stop; whether they could start."""
    for name in [name for name in os.environ if name.startswith("GUILDER_")]:
        del os.environ[name]
    os.environ.update(environment_of(settings))
    config = _config(
        f"{__name__}:worker_app",
        settings,
        factory=True,
        workers=settings.workers,
        log_level=settings.log_level,
    )
    with _handling_signals(_obeyed):
        supervisor = _Supervisor(config, listener, on_ready, watch)
        supervisor.run()
    return all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)


def worker_app() -> ASGIApp:
    """The application of one worker, which does not outlive the process that started it."""
    parent = multiprocessing.parent_process()
    if sys.platform == "linux" and parent is not None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent.pid:
            sys.exit(1)
    try:
        return create_app(read_settings())
    except Exception as error:  # noqa: BLE001
        # This status tells the supervisor not to try again: it would fail the same way.
        sys.stderr.write(f"guilder: a worker could not start: {error}\n")
        sys.exit(STARTUP_FAILURE)


def _config(app: ASGIApp | str, settings: Settings, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=WholeAnswers,
        ws="none",
        lifespan="on",
        access_log=settings.access_log,
        server_header=False,
        # Which proxies are to be believed is a setting of ours; uvicorn would believe this machine.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.drain_timeout_ms // 1000,
        timeout_worker_healthcheck=_WORKER_SILENCE_S,
        **more,
    )


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], watch: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._watch = watch
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._watching = asyncio.create_task(self._keep_watching())
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_INTERVAL_S)
            self._watch()


class _Supervisor(Multiprocess):
    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        on_ready: Callable[[], None],
        watch: Callable[[], None],
    ) -> None:
        super().__init__(config, sockets=[listener])
        self._on_ready = on_ready
        self._watch = watch
        self._ready = False

    def keep_subprocess_alive(self) -> None:
        self._watch()
        super().keep_subprocess_alive()
        if not self._ready and all(process.is_ready() for process in self.processes):
            self._ready = True
            self._on_ready()
