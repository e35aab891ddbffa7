"""What commands that verify and export have in common."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guilder_server.commands.operator.books import Denied


def add_tenant(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--account", required=True, metavar="ACCOUNT", help="acct_...")
    parser.add_argument("--mode", required=True, choices=("test", "live"))


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="otherwise standard output")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="a development folder, in use or not; else GUILDER_DATABASE_URL, else .guilder",
    )


@contextmanager
def files(*written: tuple[str, Path | None]) -> Iterator[None]:
    """A file that cannot be read or written is a mistake in the command line. Those that are to be
    `written`, with the options that name them, are looked at before the work."""
    for option, path in written:
        if path is not None and path.is_dir():
            raise Denied(f"{option}: {path} is a folder. Name a file in it.", 2)
        if path is not None and not path.parent.is_dir():
            raise Denied(f"{option}: there is no folder {path.parent} to write it to.", 2)
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise Denied(f"{error.filename}: {error.strerror}.", 2) from error
