"""The commands' doors into the application."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from guilder_server.embedded import Secrets
from guilder_server.settings import Settings

if TYPE_CHECKING:
    import psycopg
    from starlette.types import ASGIApp

    from guilder_server.kernel.actor import Actor
    from guilder_server.people.assembly import Populace
    from guilder_server.tenancy.administration import Desk
    from guilder_server.tenancy.bootstrap import DevAccount
    from guilder_server.usage.infra.books import Line
    from guilder_server.worker import Worker


T = TypeVar("T")


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


def roles_remedy(connection: psycopg.Connection[Any]) -> list[str]:
    """What a superuser has to say, so that the login may serve; nothing if it may."""
    from guilder_server.postgres.roles import missing, not_taken, remedy

    return remedy(connection) if missing(connection) or not_taken(connection) else []


def roles_untaken_remedy(connection: psycopg.Connection[Any]) -> list[str]:
    """What a superuser has to say, so that the operator's commands see all rows as the login;
    nothing if they do."""
    from guilder_server.postgres.roles import remedy, untaken

    return remedy(connection) if untaken(connection) else []


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


def whoever_runs_this() -> Actor:
    """Who a change by a command is written down as."""
    from guilder_server.tenancy.administration import whoever_runs_this as this

    return this()


def people(settings: Settings, public_url: str, act: Callable[[Populace], Awaitable[T]]) -> T:
    """One thing done with the people of a database."""
    from guilder_server.people.assembly import with_people

    return asyncio.run(with_people(settings.required_database_url, settings, public_url, act))


def verify_ledger(settings: Settings, since: Path | None) -> int:
    """Print what was checked; 1 at the first difference."""
    from guilder_server.ledger.verification import verify

    return asyncio.run(verify(settings.required_database_url, since))


def usage_lines(settings: Settings, month: str, account: str | None) -> list[Line]:
    from guilder_server.usage.infra.books import lines

    return lines(settings.required_database_url, month, account)


def usage_differences(settings: Settings) -> tuple[int, list[str]]:
    from guilder_server.usage.infra.books import differences

    return differences(settings.required_database_url)


def export_ledger(settings: Settings, account: str, mode: str, output: Path | None) -> None:
    """Write the books of a tenant to `output`, which is there whole or not at all, or to standard
    output."""
    from guilder_server.ledger.archive import export

    _write_out(
        partial(export, settings.required_database_url, account, livemode=mode == "live"), output
    )


def verify_audit(settings: Settings, account: str | None, since: Path | None, *, json: bool) -> int:
    """Print what was checked; 1 at the first difference."""
    from guilder_server.audit.verification import verify

    return asyncio.run(verify(settings.required_database_url, account, since, as_json=json))


def export_audit(
    settings: Settings, account: str | None, mode: str | None, output: Path | None
) -> None:
    """Write the audit trail of a tenant as `export_ledger` does its books; without an account the
    operator's own."""
    from guilder_server.audit.exporting import export

    _write_out(
        partial(export, settings.required_database_url, account, livemode=mode == "live"), output
    )


def _write_out(export: Callable[..., None], output: Path | None) -> None:
    """`export` is given what takes its lines as `write`."""
    if output is None:
        export(write=sys.stdout.buffer.write)
        return
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with open(draft, "xb", opener=_for_nobody_else) as file:
            export(write=file.write)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


def import_ledger(settings: Settings, account: str, mode: str, file: str) -> None:
    """Read books from `file`, or from standard input where that is `-`."""
    from guilder_server.ledger.archive import import_

    url, livemode = settings.required_database_url, mode == "live"
    with nullcontext(sys.stdin.buffer) if file == "-" else open(file, "rb") as lines:
        done = import_(url, account, livemode=livemode, file=lines)
    print(
        f"{done.transactions} transactions with {done.entries} entries; the head at "
        f"{done.position} is {done.head}"
    )


def _for_nobody_else(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def show_snapshot(settings: Settings, event_id: str) -> int:
    """Print a stored object; 1 if there is none."""
    from guilder_server.events.snapshots import show

    return asyncio.run(show(settings.required_database_url, event_id))
