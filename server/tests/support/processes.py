"""Looking at the processes of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes_mentioning(text: str) -> list[int]:
    """Every process, zombies left out, with `text` in its command line or working folder."""
    return [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit() and int(entry) != os.getpid() and text in _described(entry)
    ]


def _described(pid: str) -> str:
    process = Path("/proc", pid)
    try:
        command = (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    try:
        folder = os.readlink(process / "cwd")
    except OSError:
        folder = ""
    return f"{command} {folder}" if command else ""


def family_of(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *map(int, children)]


def is_running(pid: int) -> bool:
    """False for a process that has ended, even if nobody has waited for it yet."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def eventually(condition: Callable[[], bool], timeout_s: float = 60) -> bool:
    """Whether it comes about, however busy the machine is. Only what never comes about takes as
    long as it may."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
