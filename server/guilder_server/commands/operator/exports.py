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
        help="a development folder, in use or not; otherwise GUILDER_DATABASE_URL",
    )


@contextmanager
def files() -> Iterator[None]:
    """A file that cannot be read or written is a mistake in the command line."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise Denied(f"{error.filename}: {error.strerror}.", 2) from error
