"""What the figures were taken on, and what processes have used of it."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_SETTINGS = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "wal_sync_method",
    "data_checksums",
    "shared_buffers",
    "max_wal_size",
    "wal_compression",
)
_TICKS = os.sysconf("SC_CLK_TCK")


def describe(connection: sa.Connection, folder: Path) -> dict[str, Any]:
    settings = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _SETTINGS}
    return {
        "cpu": _after_colon(Path("/proc/cpuinfo"), "model name"),
        "cores": os.cpu_count(),
        "memory_gb": round(int(_after_colon(Path("/proc/meminfo"), "MemTotal").split()[0]) / 2**20),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgres": connection.exec_driver_sql("SHOW server_version").scalar_one(),
        "settings": settings,
        "filesystem": filesystem_of(folder),
        "fdatasync_ms": _fdatasync_ms(folder),
        "load_before": round(os.getloadavg()[0], 2),
        "yardstick_before_ms": yardstick_ms(),
    }


def filesystem_of(folder: Path) -> str:
    command = ["stat", "-f", "-c", "%T", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _after_colon(path: Path, name: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")


def _fdatasync_ms(folder: Path) -> float:
    """The price of one commit that shares its flush with nobody: the median of a hundred."""
    path = folder / "fdatasync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    taken = []
    try:
        os.write(descriptor, bytes(1 << 20))
        os.fsync(descriptor)
        for turn in range(100):
            os.pwrite(descriptor, bytes(8192), turn * 8192)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return round(statistics.median(taken) * 1000, 3)


def yardstick_ms() -> float:
    """A fixed piece of Python, the median of some: slower than at other times means that a
    neighbour has the processors, also one in another virtual machine."""
    taken = []
    for _ in range(15):
        began = time.perf_counter()
        kept = {}
        for number in range(100_000):
            kept[number % 1000] = str(number)
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 1)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text(encoding="ascii").split()]


def resident_mb(pid: int) -> float:
    return int(_after_colon(Path(f"/proc/{pid}/status"), "VmRSS").split()[0]) / 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process and its children, also of those that have ended."""
    return _ticks(pid, ended=True) + sum(_ticks(child, ended=False) for child in children(pid))


def _ticks(pid: int, *, ended: bool) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    numbers = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, numbers if ended else numbers[:2])) / _TICKS
