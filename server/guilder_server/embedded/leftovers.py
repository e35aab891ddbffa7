"""What a crash may have left running in a data folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from guilder_server.embedded.child import ServerFailed
from guilder_server.embedded.sockets import remove_socket_folder

_SOCKET_LINE = 4  # of postmaster.pid, counted from 0


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
    if not lines or not lines[0].strip().lstrip("-").isdigit():
        lock_file.unlink()
        return
    postmaster = int(lines[0])
    asked = False
    deadline = time.monotonic() + patience_s
    while processes := _processes_in(data_dir, postmaster):
        if postmaster in processes and not asked:
            asked = True
            _signal(postmaster, number)
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"A PostgreSQL that was left running in {data_dir} does not stop: "
                f"end process {processes[0]} and start again."
            )
        time.sleep(0.01)
    if len(lines) > _SOCKET_LINE and lines[_SOCKET_LINE]:
        remove_socket_folder(Path(lines[_SOCKET_LINE]))
    lock_file.unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _processes_in(data_dir: Path, postmaster: int) -> list[int]:
    """PostgreSQL's processes all have the data folder as their working folder."""
    if not Path("/proc/self/cwd").exists():
        try:
            os.kill(postmaster, 0)
        except ProcessLookupError:
            return []
        return [postmaster]
    folder = str(data_dir.resolve())
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{entry}/cwd") == folder:
                found.append(int(entry))
        except OSError:
            # Ended since, a zombie, or another user's.
            continue
    return found
