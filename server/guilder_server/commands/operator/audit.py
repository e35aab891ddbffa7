"""The commands of the audit trail: prove it, write it out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.commands import application
from guilder_server.commands.operator.books import Denied, saying_why
from guilder_server.commands.operator.exports import add_data_dir, add_output, files
from guilder_server.commands.servers import reachable
from guilder_server.settings import read_settings

if TYPE_CHECKING:
    from guilder_server.commands.operator.parsers import Add, _Commands

_VERIFY = """\
examples:
  guilder audit verify
  guilder audit verify --account acct_... --since /var/lib/guilder/audit.marks

Exit status 1: something was altered, and the first of it is named. Keep FILE where whoever can
write to the database cannot write."""

_EXPORT = """\
examples:
  guilder audit export --account acct_... --mode live --output audit.ndjson
  guilder audit export --account acct_... --mode test | gzip > audit.ndjson.gz
  guilder audit export --operator --output operator.ndjson

What is not chained yet is chained first."""


def add_audit_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    group = add(commands, "audit", None, "prove and export the audit trail").add_subparsers(
        metavar="COMMAND", required=True
    )
    verify = add(group, "verify", _verify, "prove that no entry was edited, deleted or inserted")
    verify.epilog = _VERIFY
    verify.formatter_class = argparse.RawDescriptionHelpFormatter
    verify.add_argument("--account", metavar="ACCOUNT", help="acct_...; of all without it")
    verify.add_argument(
        "--since",
        type=Path,
        metavar="FILE",
        help="only what was chained since FILE was last written, which is then written anew",
    )
    verify.add_argument("--json", action="store_true", help="one JSON document, for programs")
    add_data_dir(verify)
    export = add(group, "export", _export, "write the audit trail of an account as lines of JSON")
    export.epilog = _EXPORT
    export.formatter_class = argparse.RawDescriptionHelpFormatter
    whose = export.add_mutually_exclusive_group(required=True)
    whose.add_argument("--account", metavar="ACCOUNT", help="acct_..., with --mode")
    whose.add_argument(
        "--operator",
        action="store_true",
        help="of the operator: what their key did over HTTP, and organizations",
    )
    export.add_argument("--mode", choices=("test", "live"))
    add_output(export)
    add_data_dir(export)


def _verify(options: argparse.Namespace) -> int:
    since = ("--since", options.since)
    with (
        files(since),
        reachable(read_settings(), options.data_dir, "audit verify") as settings,
        saying_why(settings),
    ):
        return application.verify_audit(settings, options.account, options.since, json=options.json)


def _export(options: argparse.Namespace) -> int:
    if options.operator and options.mode is not None:
        raise Denied("--mode: the operator's own trail has no modes. Leave it out.", 2)
    if not options.operator and options.mode is None:
        raise Denied("--mode: each mode has its own trail. Say --mode test or --mode live.", 2)
    output = ("--output", options.output)
    with (
        files(output),
        reachable(read_settings(), options.data_dir, "audit export") as settings,
        saying_why(settings),
    ):
        application.export_audit(settings, options.account, options.mode, options.output)
    return 0
