"""Private folders for sockets. A socket's path may have 107 bytes, so they stand in /tmp."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "guilder-"
_LONGEST_FOLDER = 80


def socket_folder(previous: Path | None, owner: tuple[int, int] | None = None) -> Path:
    """A new folder that only `owner` may enter, under the previous name if there was one."""
    if previous is not None:
        # What a crash has left in it must not be taken for a running server.
        shutil.rmtree(previous, ignore_errors=True)
        folder = previous
        folder.mkdir(mode=0o700)
    else:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        if len(str(folder)) > _LONGEST_FOLDER:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    if owner is not None and owner != (os.geteuid(), os.getegid()):
        os.chown(folder, *owner)
    return folder


def remove_socket_folder(folder: Path | None) -> None:
    """Remove it with its sockets; only what has our name, since the path may come from a file."""
    if folder is not None and folder.name.startswith(PREFIX) and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
