"""The commands' doors into the application."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.embedded import Secrets
from guilder_server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from guilder_server.tenancy.administration import Desk
    from guilder_server.tenancy.bootstrap import DevAccount
    from guilder_server.worker import Worker


def create_app(settings: Settings) -> ASGIApp:
    from guilder_server.main import create_app as create

    return create(settings)


def make_worker(settings: Settings) -> Worker:
    from guilder_server.worker import Worker

    return Worker(settings)


def migrate(database_url: str) -> list[str]:
    """Apply what is missing; the revisions that were."""
    from guilder_server.postgres.migrate import pending, upgrade

    missing = pending(database_url)
    if missing:
        upgrade(database_url)
    return missing


def pending_migrations(database_url: str) -> list[str]:
    from guilder_server.postgres.migrate import pending

    return pending(database_url)


def ensure_dev_account(settings: Settings, known: Secrets) -> DevAccount:
    """The development account with exactly the known keys, or with new ones the first time."""
    from guilder_server.tenancy.bootstrap import ensure_dev_account as ensure

    url = settings.required_database_url
    return asyncio.run(ensure(url, settings, known.secret_key, known.publishable_key))


def accounts_and_keys(settings: Settings) -> AbstractContextManager[Desk]:
    """The desk for accounts and keys; what is done there is one transaction."""
    from guilder_server.http.contract import declared_permissions
    from guilder_server.tenancy.administration import desk

    pepper = settings.key_pepper.encode()
    return desk(settings.required_database_url, pepper, declared_permissions())


def verify_ledger(settings: Settings, since: Path | None) -> int:
    """Print what was checked; 1 at the first difference."""
    from guilder_server.ledger.verification import verify

    return asyncio.run(verify(settings.required_database_url, since))


def show_snapshot(settings: Settings, event_id: str) -> int:
    """Print a stored object; 1 if there is none."""
    from guilder_server.events.snapshots import show

    return asyncio.run(show(settings.required_database_url, event_id))
