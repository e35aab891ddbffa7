"""The commands of the ledger: prove it, write its books out, read them in."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.commands import application
from guilder_server.commands.operator.books import Denied
from guilder_server.commands.servers import reachable
from guilder_server.settings import read_settings

if TYPE_CHECKING:
    from guilder_server.commands.operator.parsers import Add, _Commands

_EXPORT = """\
examples:
  guilder ledger export --account acct_... --mode live --output books.ndjson
  guilder ledger export --account acct_... --mode test | gzip > books.ndjson.gz

What is not chained yet is chained first."""

_IMPORT = """\
examples:
  guilder ledger import --account acct_... --mode test books.ndjson
  zcat books.ndjson.gz | guilder ledger import --account acct_... --mode test -

All of it or nothing, into an account without a ledger in this mode."""


def add_ledger_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    group = add(commands, "ledger", None, "the ledger's own commands").add_subparsers(
        metavar="COMMAND", required=True
    )
    verify = add(
        group, "verify", _verify, "prove that nothing was altered, and that the books balance"
    )
    verify.add_argument(
        "--since",
        type=Path,
        metavar="FILE",
        help="only what was committed since FILE was last written, which is then written anew",
    )
    _add_data_dir(verify)
    export = add(group, "export", _export, "write the books of an account as lines of JSON")
    export.epilog = _EXPORT
    _add_tenant(export)
    export.add_argument("--output", type=Path, metavar="FILE", help="otherwise standard output")
    _add_data_dir(export)
    import_ = add(group, "import", _import, "read books into an account that has none")
    import_.epilog = _IMPORT
    _add_tenant(import_)
    import_.add_argument("file", metavar="FILE", help="an export; - is standard input")
    _add_data_dir(import_)


def _add_tenant(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--account", required=True, metavar="ACCOUNT", help="acct_...")
    parser.add_argument("--mode", required=True, choices=("test", "live"))


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="a development folder, in use or not; otherwise GUILDER_DATABASE_URL",
    )


@contextmanager
def _files() -> Iterator[None]:
    """A file that cannot be read or written is a mistake in the command line."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise Denied(f"{error.filename}: {error.strerror}.", 2) from error


def _verify(options: argparse.Namespace) -> int:
    with _files(), reachable(read_settings(), options.data_dir, "ledger verify") as settings:
        return application.verify_ledger(settings, options.since)


def _export(options: argparse.Namespace) -> int:
    with _files(), reachable(read_settings(), options.data_dir, "ledger export") as settings:
        application.export_ledger(settings, options.account, options.mode, options.output)
    return 0


def _import(options: argparse.Namespace) -> int:
    with _files(), reachable(read_settings(), options.data_dir, "ledger import") as settings:
        application.import_ledger(settings, options.account, options.mode, options.file)
    return 0
