"""The command lines of what operators do with accounts and keys."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from guilder_server.commands.operator import accounts, keys
from guilder_server.commands.operator.audit import add_audit_commands
from guilder_server.commands.operator.hosting import add_hosting_commands
from guilder_server.commands.operator.ledger import add_ledger_commands
from guilder_server.commands.operator.people import add_people_commands
from guilder_server.settings import read_settings

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no other name
Command = Callable[[argparse.Namespace], int]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)

_CREATE_KEY = """\
examples:
  guilder keys create --account acct_... --mode test --kind secret
  guilder keys create --account acct_... --mode live --kind restricted --expires-in 90d \\
    --name shop --permission payment_intents:write customers:read --allow 203.0.113.0/24

write includes read. The key is printed once, when it is made; only its hash is stored."""


class Add(Protocol):
    def __call__(
        self,
        commands: _Commands[argparse.ArgumentParser],
        name: str,
        command: Command | None,
        about: str,
    ) -> argparse.ArgumentParser: ...


def add_operator_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    _add_accounts(commands, add)
    _add_keys(commands, add)
    add_ledger_commands(commands, add)
    add_people_commands(commands, add)
    add_hosting_commands(commands, add)
    add_audit_commands(commands, add)


def _add_accounts(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    about = add(commands, "accounts", None, "open accounts, suspend, resume and close them")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    create = add(group, "create", _create_account, "open an account")
    create.add_argument("--name", help="what its people call it")
    create.add_argument("--country", default="US", metavar="CODE", help="two letters (US)")
    create.add_argument("--currency", default="usd", metavar="CODE", help="three letters (usd)")
    create.add_argument("--email", help="where its people are reached")
    create.add_argument(
        "--organization", metavar="ORGANIZATION", help="org_...; one of its own without it"
    )
    create.add_argument("--plan", metavar="PLAN", help="a plan of GUILDER_PLANS (the default one)")
    _add_common(create)
    _add_common(add(group, "list", _list_accounts, "print all accounts"))
    for act, text in (
        ("suspend", "refuse an account's keys with 403 account_suspended; its data stays"),
        ("resume", "let a suspended account in again"),
        ("close", "refuse an account's keys for good with 403 account_closed; its data stays"),
    ):
        parser = add(group, act, _change_account, text)
        parser.set_defaults(act=act)
        parser.add_argument("id", metavar="ACCOUNT", help="acct_...")
        _add_common(parser)

    plan = add(group, "plan", _put_on_plan, "put an account on another plan")
    plan.add_argument("id", metavar="ACCOUNT", help="acct_...")
    plan.add_argument("plan", metavar="PLAN", help="`guilder plans list` shows them")
    _add_common(plan)


def _add_keys(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    about = add(commands, "keys", None, "make API keys, roll and revoke them")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    create = add(group, "create", _create_key, "make a key, and print it this once")
    create.add_argument("--account", required=True, metavar="ACCOUNT", help="acct_...")
    create.add_argument("--mode", required=True, choices=("test", "live"))
    create.add_argument("--kind", required=True, choices=("secret", "publishable", "restricted"))
    create.add_argument(
        "--permission",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="what a restricted key may do, such as customers:read; once or more",
    )
    create.add_argument("--name", help="what it is for")
    create.add_argument(
        "--expires-in", type=_length, metavar="TIME", help="such as 12h or 90d (never)"
    )
    create.add_argument(
        "--allow",
        action="extend",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="from where it may be used, such as 203.0.113.0/24; once or more (anywhere)",
    )
    create.epilog = _CREATE_KEY
    create.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_common(create)
    listing = add(group, "list", _list_keys, "print what is known of the keys, without them")
    listing.add_argument("--account", metavar="ACCOUNT", help="acct_...; of all without it")
    _add_common(listing)
    roll = add(group, "roll", _roll_key, "make a key like another one, which then expires")
    roll.add_argument("id", metavar="KEY", help="its id, key_...")
    roll.add_argument(
        "--overlap",
        type=_length,
        default=timedelta(hours=24),
        metavar="TIME",
        help="for how long both are let in, from 0 to 7d (24h)",
    )
    _add_common(roll)
    revoke = add(group, "revoke", _revoke_key, "refuse a key for good, within 5 seconds")
    revoke.add_argument("id", metavar="KEY", help="its id, key_...")
    _add_common(revoke)


def _create_account(options: argparse.Namespace) -> int:
    return accounts.create(
        read_settings(),
        options.data_dir,
        name=options.name,
        country=options.country,
        currency=options.currency,
        email=options.email,
        organization=options.organization,
        plan=options.plan,
        json=options.json,
    )


def _list_accounts(options: argparse.Namespace) -> int:
    return accounts.show_all(read_settings(), options.data_dir, json=options.json)


def _change_account(options: argparse.Namespace) -> int:
    return accounts.change(
        read_settings(), options.data_dir, options.act, options.id, json=options.json
    )


def _put_on_plan(options: argparse.Namespace) -> int:
    return accounts.put_on_plan(
        read_settings(), options.data_dir, options.id, options.plan, json=options.json
    )


def _create_key(options: argparse.Namespace) -> int:
    return keys.create(
        read_settings(),
        options.data_dir,
        account=options.account,
        livemode=options.mode == "live",
        kind=options.kind,
        permissions=options.permission,
        name=options.name,
        expires_in=options.expires_in,
        allow=options.allow,
        json=options.json,
    )


def _list_keys(options: argparse.Namespace) -> int:
    return keys.show_all(
        read_settings(), options.data_dir, account=options.account, json=options.json
    )


def _roll_key(options: argparse.Namespace) -> int:
    return keys.roll(
        read_settings(), options.data_dir, options.id, overlap=options.overlap, json=options.json
    )


def _revoke_key(options: argparse.Namespace) -> int:
    return keys.revoke(read_settings(), options.data_dir, options.id, json=options.json)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="a development folder, in use or not; else GUILDER_DATABASE_URL, else .guilder",
    )


def _length(text: str) -> timedelta:
    if text == "0":
        return timedelta(0)
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            "must be a whole number with its unit, s, m, h, d or w: 90d is ninety days"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
