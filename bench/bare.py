"""The server without what keeps its callers apart: what all of that costs is the difference.

It is `guilder serve` to everything else. A key is looked up once and then taken as good for ever,
without its check sum and its digest, and its uses are not noted; a commit counts no usage. That
there are no limits is said by settings. It exists here and nowhere else: no setting of the product
comes near to it.

    GUILDER_DATABASE_URL=… python bench/bare.py
"""

from __future__ import annotations

import multiprocessing
import socket
import sys
from collections.abc import Sequence

from starlette.types import ASGIApp

from guilder_server import logs
from guilder_server.commands.server import (
    address_of,
    known_as,
    listen,
    serve_here,
    signals_interrupt,
)
from guilder_server.composition import Ground, House, assemble, sandbox_only
from guilder_server.http.auth import Credential, Keyring
from guilder_server.kernel.clock import SystemClock
from guilder_server.main import application
from guilder_server.postgres.committer import PartMaker
from guilder_server.settings import Settings, read_settings
from guilder_server.tenancy.api import Credentials


class Uncounted(Ground):
    def counts(self) -> Sequence[PartMaker]:
        return []


class Acquaintances:
    """Whoever was let in once."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._known: dict[str, Credential | None] = {}

    async def find(self, token: str) -> Credential | None:
        if token not in self._known:
            self._known[token] = await self._keyring.find(token)
        return self._known[token]


def bare(settings: Settings) -> ASGIApp:
    logs.configure(settings.log_level)
    ground = Uncounted(settings, SystemClock())
    house = House(ground, sandbox_only)
    keyring = Acquaintances(Credentials(house.keyring))
    return application(assemble(ground, house, keyring, used=lambda _: None))


def work(listener: socket.socket, settings: Settings) -> None:
    serve_here(bare(settings), listener, settings, on_ready=lambda: None, watch=lambda: None)


def main() -> int:
    """Until SIGTERM, in as many processes as GUILDER_WORKERS says."""
    settings = read_settings()
    forking = multiprocessing.get_context("fork")
    with listen(settings.host, settings.port) as listener:
        given = (listener, known_as(settings, address_of(listener)))
        workers = [forking.Process(target=work, args=given) for _ in range(settings.workers)]
        try:
            with signals_interrupt():
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
        except KeyboardInterrupt:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
