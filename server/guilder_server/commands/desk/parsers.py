"""The command lines of what developers run at their desks: listen, events tail, trigger."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from guilder_server.commands.desk.api_address import KEY_VARIABLE, Whereabouts, is_web_address

if TYPE_CHECKING:
    from guilder_server.commands.desk.listen import Listening

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no other name
_MOST_OLD = 100

_EPILOG = f"""\
where the server is, and which key:
  --api-base and --api-key, else the environment's {KEY_VARIABLE}, else what `guilder dev` wrote
  into its folder. Others on this machine can read a key on the command line in the list of
  processes: prefer {KEY_VARIABLE}."""

_LISTEN = """\
examples:
  guilder listen --forward-to http://localhost:3000/hook
  guilder listen --forward-to localhost:3000/hook --events 'payment_intent.*,charge.refunded'
  guilder listen --json | jq .type

"""

_TAIL = """\
examples:
  guilder events tail --limit 10
  guilder events tail --json --events 'charge.*' | jq .data.object.amount

"""

_TRIGGER = """\
examples:
  guilder trigger payment_intent.succeeded
  guilder trigger --list

"""


class Add(Protocol):
    def __call__(
        self,
        commands: _Commands[argparse.ArgumentParser],
        name: str,
        command: Callable[[argparse.Namespace], int] | None,
        about: str,
    ) -> argparse.ArgumentParser: ...


def add_desk_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    listen = add(commands, "listen", _listen, "the account's events, as they happen, to a program")
    listen.add_argument(
        "--forward-to",
        type=_local_url,
        metavar="URL",
        help="where the program takes webhooks; without it, events are printed only",
    )
    _add_events(listen)
    listen.add_argument(
        "--skip-old",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="only events from now on (the default), or all that are kept first",
    )
    listen.add_argument("--json", action="store_true", help="a line of JSON for each event")
    listen.add_argument(
        "--print-secret", action="store_true", help="print the signing secret and nothing else"
    )
    _add_address(listen, _LISTEN)

    events = add(commands, "events", None, "what has happened in the account")
    tail = add(
        events.add_subparsers(metavar="COMMAND", required=True),
        "tail",
        _tail,
        "print events as they happen",
    )
    _add_events(tail)
    tail.add_argument("--json", action="store_true", help="each event whole, as a line of JSON")
    tail.add_argument(
        "--limit",
        type=_few,
        default=0,
        metavar="N",
        help=f"as many of the newest old ones first, up to {_MOST_OLD} (0)",
    )
    _add_address(tail, _TAIL)

    trigger = add(commands, "trigger", _trigger, "make an event happen, in test mode")
    wanted = trigger.add_mutually_exclusive_group(required=True)
    wanted.add_argument("type", nargs="?", type=_triggerable, metavar="TYPE", help="its type")
    wanted.add_argument("--list", action="store_true", help="list the types that it knows")
    _add_address(trigger, _TRIGGER)


def _listen(options: argparse.Namespace) -> int:
    from guilder_server.commands.desk.listen import listen, print_secret

    if options.print_secret:
        return print_secret(_whereabouts(options))
    return listen(_listening(options))


def _listening(options: argparse.Namespace) -> Listening:
    from guilder_server.commands.desk.listen import Listening

    return Listening(
        whereabouts=_whereabouts(options),
        forward_to=options.forward_to,
        types=options.events,
        skip_old=options.skip_old,
        json=options.json,
    )


def _tail(options: argparse.Namespace) -> int:
    from guilder_server.commands.desk.events_tail import tail

    return tail(_whereabouts(options), options.events, options.limit, json=options.json)


def _trigger(options: argparse.Namespace) -> int:
    from guilder_server.commands.desk.trigger import show_types, trigger

    if options.list:
        return show_types()
    return trigger(_whereabouts(options), options.type)


def _whereabouts(options: argparse.Namespace) -> Whereabouts:
    return Whereabouts(options.api_base, options.api_key, options.data_dir)


def _add_address(parser: argparse.ArgumentParser, examples: str) -> None:
    parser.add_argument("--api-base", type=_url, metavar="URL", help="where the server is")
    parser.add_argument(
        "--api-key", metavar="KEY", help=f"a secret key of the account ({KEY_VARIABLE})"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".guilder"),
        metavar="FOLDER",
        help="the folder of a `guilder dev` that is running (.guilder)",
    )
    parser.epilog = examples + _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def _add_events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--events",
        type=_patterns,
        default=[],
        metavar="TYPES",
        help="only these, with commas between them; charge.* stands for all that begin so",
    )


def _patterns(text: str) -> list[str]:
    from guilder_server.commands.desk.event_types import UnknownType, patterns

    try:
        return patterns(text)
    except UnknownType as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _triggerable(text: str) -> str:
    from guilder_server.commands.desk.api_trouble import Untriggerable
    from guilder_server.commands.desk.event_types import UnknownType
    from guilder_server.commands.desk.trigger import triggerable

    try:
        return triggerable(text)
    except (UnknownType, Untriggerable) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _url(text: str) -> str:
    if not is_web_address(text):
        raise argparse.ArgumentTypeError("must be a URL that begins with http:// or https://")
    return text


def _local_url(text: str) -> str:
    return _url(text if "://" in text else f"http://{text}")


def _few(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _MOST_OLD:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {_MOST_OLD}")
    return int(text)
