"""What a crash may have left running in a data folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from guilder_server.embedded.child import ServerFailed
from guilder_server.embedded.sockets import remove_socket_folder

# Lines of postmaster.pid, counted from 0.
_PID, _SOCKET_DIR, _SHARED_MEMORY = 0, 4, 6
_SEGMENTS = Path("/proc/sysvipc/shm")


def end_processes_in(data_dir: Path, number: signal.Signals, patience_s: float = 30) -> None:
    """Wait until nothing of an earlier PostgreSQL works in `data_dir`, asking it to leave once.

    Only for who holds the claim on the folder: then nobody else can want that server. When all
    are gone, the lock file is a leftover, even if its process id belongs to another by now, or to
    a process that has ended and that nobody has waited for yet.
    """
    lock_file = data_dir / "postmaster.pid"
    if not lock_file.exists():
        return
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    postmaster = int(lines[_PID]) if lines and lines[_PID].strip().isdigit() else 0
    segment = lines[_SHARED_MEMORY].split() if len(lines) > _SHARED_MEMORY else []
    asked = False
    deadline = time.monotonic() + patience_s
    while (alive := _is_postmaster(postmaster, data_dir)) or _is_attached(segment):
        if alive and not asked:
            asked = True
            os.kill(postmaster, number)
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"A PostgreSQL that was left running in {data_dir} does not stop: "
                f"end process {postmaster} and start again."
            )
        time.sleep(0.01)
    if len(lines) > _SOCKET_DIR and lines[_SOCKET_DIR]:
        remove_socket_folder(Path(lines[_SOCKET_DIR]))
    lock_file.unlink(missing_ok=True)


def _is_postmaster(pid: int, data_dir: Path) -> bool:
    """Whether this process, which may be somebody else's by now, runs on the data folder."""
    if pid == 0:
        return False
    if _SEGMENTS.exists():
        try:
            # Empty for a process that has ended.
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(data_dir) in arguments
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_attached(segment: list[str]) -> bool:
    """Whether any process of that PostgreSQL still holds its shared memory.

    The postmaster may be gone and one of its children still be writing. This is how PostgreSQL
    itself would know, and unlike a look at the children it needs no rights over them.
    """
    if len(segment) != 2 or not _SEGMENTS.exists():
        return False
    for line in _SEGMENTS.read_text(encoding="ascii").splitlines()[1:]:
        key, identifier, _, _, _, _, attached, *_ = line.split()
        if (key, identifier) == (segment[0], segment[1]):
            return int(attached) > 0
    return False
