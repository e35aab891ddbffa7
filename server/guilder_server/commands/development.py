"""`guilder dev`: everything that a payment needs, from one command and one folder."""

from __future__ import annotations

import dataclasses
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guilder_server.commands import application
from guilder_server.commands.servers import settings_in
from guilder_server.commands.worker_process import WorkerProcess
from guilder_server.embedded import DevelopmentFolder, Secrets
from guilder_server.settings import Settings

log = logging.getLogger("guilder.dev")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A development folder whose servers run, whose schema is current, that has an account."""

    folder: DevelopmentFolder
    settings: Settings
    secrets: Secrets

    def watch(self) -> None:
        """Start again what has crashed."""
        for name in self.folder.revive():
            log.warning("%s had stopped and was started again", name)

    def announce(self, api_base: str) -> None:
        """Tell the person at the terminal, and any program, how to take a payment."""
        described = self.folder.publish(api_base, self.secrets)
        key = self.secrets.secret_key
        print(
            f"""
Guilder is ready: {api_base}

  secret key       {key}
  publishable key  {self.secrets.publishable_key}
  the same for programs: {described}

Take a payment:

  curl {api_base}/v1/payment_intents -u {key}: \\
    -d amount=2000 -d currency=eur -d confirm=true \\
    -d 'payment_method_types[]=card' -d payment_method=pm_card_visa

Ctrl-C stops everything; the data stays in {self.folder.path}.
""",
            flush=True,
        )


@contextmanager
def prepared(settings: Settings, data_dir: Path, purpose: str) -> Iterator[Prepared]:
    """Run the folder's servers, bring the schema up to date, have an account."""
    folder = DevelopmentFolder(data_dir)
    with folder.serving(purpose):
        folder.forget_address()
        # While the servers start, load what comes next.
        for module in ("postgres.migrate", "tenancy.bootstrap", "main"):
            importlib.import_module(f"guilder_server.{module}")
        running = folder.wait_until_ready(purpose)
        ready = settings_in(folder, settings, running.database_url, running.redis_url)
        application.migrate(running.database_url)
        known = folder.secrets()
        made = application.ensure_dev_account(ready, known)
        secrets = dataclasses.replace(
            known,
            account=made.account,
            secret_key=made.secret_key,
            publishable_key=made.publishable_key,
        )
        if secrets != known:
            folder.keep_secrets(secrets)
        try:
            yield Prepared(folder, ready, secrets)
        finally:
            folder.forget_address()


def dev(settings: Settings, data_dir: Path) -> int:
    """Serve a development folder in this process, with a worker beside it, until Ctrl-C or
    SIGTERM. Webhooks may go to programs on this machine."""
    settings = dataclasses.replace(settings, webhook_loopback=True)
    from guilder_server.commands.server import (
        address_of,
        known_as,
        listen,
        serve_here,
        signals_interrupt,
    )

    try:
        # The socket first, so that a taken port is known before anything starts.
        with (
            signals_interrupt(),
            listen(settings.host, settings.port) as listener,
            prepared(settings, data_dir, "dev") as ready,
        ):
            address = address_of(listener)
            reachable = known_as(ready.settings, address)
            with WorkerProcess(reachable) as worker:
                served = serve_here(
                    application.create_app(reachable),
                    listener,
                    reachable,
                    on_ready=lambda: _begin(ready, worker, address),
                    watch=lambda: _watch(ready, worker),
                    # The announcement says it better than uvicorn's lines about itself.
                    log_level="warning" if settings.log_level == "info" else None,
                )
    except KeyboardInterrupt:
        return 0
    return 0 if served else 1


def _begin(ready: Prepared, worker: WorkerProcess, address: str) -> None:
    # Only now: while the server starts, it would take time from it.
    worker.start()
    ready.announce(address)


def _watch(ready: Prepared, worker: WorkerProcess) -> None:
    ready.watch()
    if worker.revive():
        log.warning("the worker had stopped and was started again")
