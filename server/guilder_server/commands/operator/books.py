"""The books of accounts and keys, opened for one command, and what a command says when it may
not do what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.commands import application
from guilder_server.commands.servers import reachable
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.settings import Settings

if TYPE_CHECKING:
    from guilder_server.tenancy.administration import Desk

_WHERE = "`guilder accounts list` shows the accounts, `guilder keys list` their keys."
_ORGANIZATIONS = "`guilder organizations list` shows those there are."

# Options that are given once or more are named after one of what they list.
_OPTIONS = {"allowed_addresses": "allow", "permissions": "permission"}


class Denied(Exception):
    """The message says what to do. `status` is 2 for a mistake in the command line."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def opened(
    settings: Settings, data_dir: Path | None, purpose: str, *, makes_keys: bool = False
) -> Iterator[Desk]:
    """The desk of the database that the settings, or the folder, name. Raises Denied."""
    with reachable(settings, data_dir, purpose) as found:
        if makes_keys:
            # With another pepper than the server's, a key would open nothing.
            found.require("key_pepper")
        with saying_why(found), application.accounts_and_keys(found) as desk:
            yield desk


@contextmanager
def saying_why(found: Settings, where: str = _WHERE) -> Iterator[None]:
    """On a database whose schema is current. Raises Denied for what cannot be done there; `where`
    says how to see what there is."""
    import psycopg

    require_current_schema(found.required_database_url)
    try:
        yield
    except NotFound as error:
        raise Denied(f"{error.message}. {where}", 1) from None
    except NoSuchReference as error:
        where = _ORGANIZATIONS if error.param == "organization" else ""
        raise Denied(f"{error.message}. {where}".rstrip(), 1) from None
    except Refused as error:
        raise Denied(error.message, 1) from None
    except InvalidRequest as error:
        raise Denied(_about(error.param) + error.message, 2) from None
    except psycopg.Error as error:
        # Such as a role without the right to write, a standby, a row that somebody holds.
        said = error.diag.message_primary or str(error).strip()
        raise Denied(f"The database said: {said}\n`guilder doctor` says more.", 1) from None


def require_database(database_url: str) -> None:
    import psycopg

    try:
        psycopg.connect(database_url).close()
    except psycopg.OperationalError as error:
        raise Denied(
            f"The database cannot be reached: {str(error).strip()}\n`guilder doctor` says more.", 1
        ) from None


def require_current_schema(database_url: str) -> None:
    require_database(database_url)
    if missing := application.pending_migrations(database_url):
        raise Denied(
            f"The database lacks {len(missing)} migration(s). Run `guilder migrate` first.", 1
        )


def _about(param: str | None) -> str:
    """The option that a parameter was given as; an id has none."""
    if param in {None, "id"}:
        return ""
    return f"--{_OPTIONS.get(str(param), str(param)).replace('_', '-')}: "
