"""The command lines of what whoever hosts others does: organizations, plans, usage."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from guilder_server.commands.operator import organizations, plans, usage
from guilder_server.settings import read_settings

if TYPE_CHECKING:
    from guilder_server.commands.operator.parsers import Add, _Commands

_EXPORT = """\
examples:
  guilder usage export --month 2026-11 > 2026-11.csv
  guilder usage export --month 2026-11 --account acct_... --format json

A month that is over does not change any more: `complete` says so."""


def add_hosting_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    _add_organizations(commands, add)
    about = add(commands, "plans", None, "what accounts may be on")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    listing = add(group, "list", _list_plans, "print the plans of the file GUILDER_PLANS")
    _add_json(listing)
    # They are in no database: with or without a folder they are the same.
    listing.add_argument(
        "--data-dir", type=Path, metavar="FOLDER", help="taken as by the others, and not looked at"
    )
    _add_usage(commands, add)


def _add_organizations(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    about = add(commands, "organizations", None, "make organizations, which accounts belong to")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    create = add(group, "create", _create_organization, "make an organization")
    create.add_argument("--name", required=True, help="what its people call it")
    _add_json(create)
    _add_data_dir(create)
    listing = add(group, "list", _list_organizations, "print all organizations")
    _add_json(listing)
    _add_data_dir(listing)


def _add_usage(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    about = add(commands, "usage", None, "what accounts have used")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    export = add(group, "export", _export, "print what accounts have used in a month")
    export.add_argument("--month", metavar="MONTH", help="such as 2026-11 (the present one)")
    export.add_argument("--account", metavar="ACCOUNT", help="acct_...; all without it")
    form = export.add_mutually_exclusive_group()
    form.add_argument("--format", choices=("csv", "json"), default="csv", help="(csv)")
    form.add_argument("--json", action="store_true", help="the same as --format json")
    export.epilog = _EXPORT
    export.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_data_dir(export)
    verify = add(group, "verify", _verify, "hold the counters against what they count")
    _add_json(verify)
    _add_data_dir(verify)


def _create_organization(options: argparse.Namespace) -> int:
    return organizations.create(
        read_settings(), options.data_dir, name=options.name, json=options.json
    )


def _list_organizations(options: argparse.Namespace) -> int:
    return organizations.show_all(read_settings(), options.data_dir, json=options.json)


def _list_plans(options: argparse.Namespace) -> int:
    return plans.show_all(read_settings(), json=options.json)


def _export(options: argparse.Namespace) -> int:
    return usage.export(
        read_settings(),
        options.data_dir,
        month=options.month,
        account=options.account,
        form="json" if options.json else options.format,
    )


def _verify(options: argparse.Namespace) -> int:
    return usage.verify(read_settings(), options.data_dir, json=options.json)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="a development folder, in use or not; else GUILDER_DATABASE_URL, else .guilder",
    )
