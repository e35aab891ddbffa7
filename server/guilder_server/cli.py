"""The command line: `guilder dev | serve | worker | migrate | doctor | snapshot show`; what
commands/operator adds: `guilder accounts | keys | ledger | audit`; and what commands/desk adds:
`guilder listen | events tail | trigger`.

Exit status: 0 done, 1 refused or failed, 2 a mistake in the command line or the settings. With
`--json`, what went wrong is the one document on standard output, and a sentence on standard error.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from guilder_server.commands.desk.parsers import add_desk_commands
from guilder_server.commands.operator.books import Denied, require_database
from guilder_server.commands.operator.parsers import add_operator_commands
from guilder_server.commands.operator.showing import show_document
from guilder_server.settings import SettingError, Settings, describe_settings, read_settings

Command = Callable[[argparse.Namespace], int]

# Whose `--json` is a line for each event, for as long as they run.
_STREAMING = ("listen", "events")


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    documents = "--json" in given and given[0] not in _STREAMING
    complain = _complain_in_json if documents else _complain
    try:
        options, unknown = _parser().parse_known_args(given)
        if unknown:
            options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    except Mistyped as mistake:
        raise SystemExit(complain(mistake, 2)) from None
    command: Command = options.command
    try:
        status = command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _unread()
    except SettingError as error:
        return complain(error, 2)
    except Denied as error:
        return complain(error, error.status)
    except KeyboardInterrupt:
        return 130
    except _expected_failures() as error:
        return complain(error, 1)


def _complain(error: BaseException, status: int) -> int:
    print(f"guilder: {error}", file=sys.stderr)
    return status


def _complain_in_json(error: BaseException, status: int) -> int:
    show_document({"error": {"message": str(error), "exit_status": status}})
    return _complain(error, status)


def _unread() -> int:
    """Whoever was to read the output has had enough, as `head` has: what a signal would say of it.
    What is still held back goes nowhere, or the end of the program would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


class Mistyped(Exception):
    """A command line that no command has; the message says where to read what there is."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Mistyped(f"{message}\n{self.format_usage()}`{self.prog} --help` says more.")


def _expected_failures() -> tuple[type[Exception], ...]:
    """Failures whose message tells all; anything else keeps its traceback."""
    import psycopg

    from guilder_server.audit.exporting import Unexportable
    from guilder_server.audit.verification import NoSuchAccount
    from guilder_server.commands.desk.api_address import NoAddress
    from guilder_server.commands.desk.api_trouble import Refused, Unreachable, Untriggerable
    from guilder_server.commands.server import PortTaken
    from guilder_server.commands.serving import NotFitToServe
    from guilder_server.embedded import (
        EmbeddedServersMissing,
        FolderInUse,
        NoUnprivilegedUser,
        ServerFailed,
    )
    from guilder_server.ledger.archive import Wrong
    from guilder_server.postgres.marks import Unreadable
    from guilder_server.postgres.migrate import NewerDatabase
    from guilder_server.postgres.roles import RolesMissing

    return (
        EmbeddedServersMissing,
        FolderInUse,
        NewerDatabase,
        NoAddress,
        NoSuchAccount,
        NoUnprivilegedUser,
        NotFitToServe,
        PermissionError,
        PortTaken,
        Refused,
        RolesMissing,
        ServerFailed,
        Unexportable,
        Unreachable,
        Unreadable,
        Untriggerable,
        Wrong,
        psycopg.OperationalError,
    )


def _dev(options: argparse.Namespace) -> int:
    from guilder_server.commands.development import dev

    return dev(_settings(options), options.data_dir)


def _serve(options: argparse.Namespace) -> int:
    from guilder_server.commands.serving import serve

    return serve(_settings(options), options.data_dir)


def _work(options: argparse.Namespace) -> int:
    from guilder_server.commands.working import work

    return work(_settings(options), options.data_dir)


def _migrate(options: argparse.Namespace) -> int:
    from guilder_server.commands import application
    from guilder_server.commands.servers import reachable

    with reachable(_settings(options), options.data_dir, "migrate") as settings:
        require_database(settings.required_database_url)
        applied = application.migrate(settings.required_database_url)
    for revision in applied:
        print(f"applied {revision}")
    print("The schema is current.")
    return 0


def _show_snapshot(options: argparse.Namespace) -> int:
    from guilder_server.commands import application
    from guilder_server.commands.servers import reachable

    with reachable(_settings(options), options.data_dir, "snapshot show") as settings:
        return application.show_snapshot(settings, options.id)


def _doctor(options: argparse.Namespace) -> int:
    from guilder_server.commands.doctor import doctor

    return doctor(lambda: _settings(options), options.data_dir, options.json)


def _version(_options: argparse.Namespace) -> int:
    from importlib.metadata import version

    print(f"guilder {version('guilder')}")
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    given = vars(options)
    return read_settings(
        host=given.get("host"), port=given.get("port"), workers=given.get("workers")
    )


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(
        prog="guilder",
        description="A payments platform on your own machines.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    dev = _add(commands, "dev", _dev, "everything for development, from one folder")
    _add_data_dir(dev, Path(".guilder"), "the folder for data and keys (.guilder)")
    _add_listening(dev)

    serve = _add(commands, "serve", _serve, "the API server")
    _add_data_dir(
        serve, about="a development folder that is not in use; otherwise GUILDER_DATABASE_URL"
    )
    _add_listening(serve)
    serve.add_argument(
        "--workers", type=_count, metavar="N", help="processes that serve (GUILDER_WORKERS)"
    )

    worker = _add(
        commands,
        "worker",
        _work,
        "carries webhooks out, chains the ledger and the audit trail, beside `guilder serve`",
    )
    _add_data_dir(worker)

    migrate = _add(commands, "migrate", _migrate, "bring the database's schema up to date")
    _add_data_dir(migrate)

    doctor = _add(commands, "doctor", _doctor, "say what is wrong and what to do about it")
    _add_data_dir(doctor)
    doctor.add_argument("--json", action="store_true", help="for programs")

    snapshot = _add(commands, "snapshot", None, "stored objects, which are kept compressed")
    show = _add(
        snapshot.add_subparsers(metavar="COMMAND", required=True),
        "show",
        _show_snapshot,
        "print a stored object as JSON",
    )
    show.add_argument("id", help="the id of an event, evt_...")
    _add_data_dir(show)

    add_operator_commands(commands, _add)
    add_desk_commands(commands, _add)

    _add(commands, "version", _version, "the version of this program")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Command | None,
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[:1].upper() + about[1:] + ".")
    if command is not None:
        parser.set_defaults(command=command, parser=parser)
    return parser


def _add_data_dir(
    parser: argparse.ArgumentParser,
    default: Path | None = None,
    about: str = "a development folder, in use or not; else GUILDER_DATABASE_URL, else .guilder",
) -> None:
    parser.add_argument("--data-dir", type=Path, default=default, metavar="FOLDER", help=about)


def _add_listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="the address to listen on (GUILDER_HOST, 127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="the port to listen on (GUILDER_PORT, 4242)"
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 256")
    return int(text)


def _settings_help() -> str:
    lines = ["settings, from the environment:"]
    for name, default, about in describe_settings():
        lines.append(f"  {name:28} {about}" + (f" ({default})" if default else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
