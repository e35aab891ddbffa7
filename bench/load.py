"""The load: wrk, a generator in C that costs little beside what it measures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Load:
    """What a generator saw; every request was answered with 200."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class LoadFailed(Exception):
    """Something else than 200 was answered: there is no figure to give."""


def ensure_wrk() -> None:
    if shutil.which("wrk"):
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise SystemExit("bench: wrk is missing. On Debian or Ubuntu: apt install wrk")
    print("installing wrk ...", flush=True)
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
        subprocess.run([apt, *arguments], check=True, stdout=subprocess.DEVNULL)


def wrk(url: str, script: str, arguments: list[str], connections: int, seconds: int) -> Load:
    """Run one of the Lua scripts beside this file."""
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s"]
    command += ["-s", script, url, "--", *arguments]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    _, found, line = done.stdout.rpartition("\nsummary ")
    if done.returncode != 0 or not found:
        raise LoadFailed(f"wrk ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    seen = json.loads(line)
    refused, broken = seen.pop("refused"), seen.pop("broken")
    if refused or broken or not seen["requests"]:
        raise LoadFailed(
            f"of {seen['requests']} requests {refused} were not answered with 200 "
            f"and {broken} not at all"
        )
    return Load(**seen)
