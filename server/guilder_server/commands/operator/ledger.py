"""The commands of the ledger: prove it, write its books out, read them in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.commands import application
from guilder_server.commands.operator.books import saying_why
from guilder_server.commands.operator.exports import add_data_dir, add_output, add_tenant, files
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
    add_data_dir(verify)
    export = add(group, "export", _export, "write the books of an account as lines of JSON")
    export.epilog = _EXPORT
    add_tenant(export)
    add_output(export)
    add_data_dir(export)
    import_ = add(group, "import", _import, "read books into an account that has none")
    import_.epilog = _IMPORT
    add_tenant(import_)
    import_.add_argument("file", metavar="FILE", help="an export; - is standard input")
    add_data_dir(import_)


def _verify(options: argparse.Namespace) -> int:
    since = ("--since", options.since)
    with (
        files(since),
        reachable(read_settings(), options.data_dir, "ledger verify") as settings,
        saying_why(settings),
    ):
        return application.verify_ledger(settings, options.since)


def _export(options: argparse.Namespace) -> int:
    output = ("--output", options.output)
    with (
        files(output),
        reachable(read_settings(), options.data_dir, "ledger export") as settings,
        saying_why(settings),
    ):
        application.export_ledger(settings, options.account, options.mode, options.output)
    return 0


def _import(options: argparse.Namespace) -> int:
    with (
        files(),
        reachable(read_settings(), options.data_dir, "ledger import") as settings,
        saying_why(settings),
    ):
        application.import_ledger(settings, options.account, options.mode, options.file)
    return 0
