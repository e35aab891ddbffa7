"""Looking at the processes of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes_mentioning(text: str) -> list[int]:
    """Every process, zombies left out, with `text` in its command line or working folder."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            command = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
            folder = os.readlink(f"/proc/{entry}/cwd")
        except OSError:
            continue
        if command and (text in command or text in folder):
            found.append(int(entry))
    return found


def eventually(condition: Callable[[], bool], timeout_s: float = 10) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
