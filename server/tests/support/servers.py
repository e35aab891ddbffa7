"""Guilder's own commands as processes, started the way a user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PROGRAM = "import sys; from guilder_server.cli import main; sys.exit(main())"


def guilder(*arguments: str) -> list[str]:
    """The command line of `guilder`, whether or not its script is on the PATH."""
    return [sys.executable, "-c", _PROGRAM, *arguments]


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without its settings, and those given."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GUILDER_")}
    return {**inherited, **(settings or {})}


def run_guilder(
    *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        guilder(*arguments),
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class RunningCommand:
    """A `guilder dev` or `guilder serve` that goes on until it is told to stop."""

    def __init__(self, arguments: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            guilder(*arguments),
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, path: Path, timeout_s: float = 60) -> dict[str, Any]:
        """The JSON in a file that the command writes when it is ready."""
        deadline = time.monotonic() + timeout_s
        while not path.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}: {self.output()}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"{path} did not appear: {self.output()}")
            time.sleep(0.02)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def wait_for_line(self, text: str) -> str:
        """The first line that it prints with `text` in it."""
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            if text in line:
                return line
            seen.append(line)
        raise AssertionError(f"it ended without saying {text!r}: {''.join(seen)}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def output(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def __enter__(self) -> RunningCommand:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
