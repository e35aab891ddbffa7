"""`guilder serve`: the API on the operator's database, or on a development folder."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import psycopg

from guilder_server.commands import application
from guilder_server.commands.development import prepared
from guilder_server.commands.doctor import OLDEST_POSTGRES
from guilder_server.commands.durability import durability_problems
from guilder_server.commands.server import (
    address_of,
    known_as,
    listen,
    serve_here,
    serve_in_workers,
    signals_interrupt,
)
from guilder_server.settings import Settings


class NotFitToServe(Exception):
    """Serving would put money at risk, or fail with each request."""


def serve(settings: Settings, data_dir: Path | None) -> int:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way."""
    try:
        with signals_interrupt(), listen(settings.host, settings.port) as listener:
            served = _serve_on(listener, settings, data_dir)
    except KeyboardInterrupt:
        return 0
    return 0 if served else 1


def _serve_on(listener: socket.socket, settings: Settings, data_dir: Path | None) -> bool:
    address = address_of(listener)
    if data_dir is None:
        settings.require("database_url", "key_pepper", "fingerprint_key", "sealing_key")
        refuse_unfit(settings)
        return _run(settings, listener, lambda: _announce(address, settings), lambda: None)
    with prepared(settings, data_dir, "serve") as ready:
        refuse_unfit(ready.settings)
        return _run(ready.settings, listener, lambda: ready.announce(address), ready.watch)


def refuse_unfit(settings: Settings) -> None:
    """Raise if this database must not, or cannot, be served."""
    url = settings.required_database_url
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise NotFitToServe(
            f"The database cannot be reached: {str(error).strip()}\n`guilder doctor` says more."
        ) from None
    with connection:
        if connection.info.server_version < OLDEST_POSTGRES * 10_000:
            raise NotFitToServe(f"Guilder needs PostgreSQL {OLDEST_POSTGRES} or newer.")
        problems = durability_problems(connection) if settings.livemode_allowed else []
        remedy = application.roles_remedy(connection)
    if problems:
        raise NotFitToServe(
            "Live mode is refused on a database that may lose money:\n  " + "\n  ".join(problems)
        )
    if missing := application.pending_migrations(url):
        raise NotFitToServe(
            f"The database lacks {len(missing)} migration(s). Run `guilder migrate` first."
        )
    if remedy:
        raise NotFitToServe(
            "This login may not take the roles that keep tenants apart. Let a superuser say:\n"
            + "\n".join(f"  {statement};" for statement in remedy)
        )


def _run(
    settings: Settings,
    listener: socket.socket,
    on_ready: Callable[[], None],
    watch: Callable[[], None],
) -> bool:
    settings = known_as(settings, address_of(listener))
    if settings.workers > 1:
        return serve_in_workers(listener, settings, on_ready, watch)
    return serve_here(application.create_app(settings), listener, settings, on_ready, watch)


def _announce(address: str, settings: Settings) -> None:
    print(f"Guilder serves on {address} ({settings.mode} mode).", flush=True)
