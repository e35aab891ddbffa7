"""A worker beside `guilder dev`, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType

from guilder_server.embedded import Identity, launch_command
from guilder_server.settings import PREFIX, Settings, environment_of

_PATIENCE_S = 30


class WorkerProcess:
    """A worker beside this process, which it does not outlive; started again if it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            launch_command(Identity(), [sys.executable, "-m", "guilder_server.cli", "worker"]),
            env={**_without_ours(os.environ), **environment_of(self._settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # A Ctrl-C in the terminal is for us; we stop it when we are done.
            start_new_session=True,
        )

    def revive(self) -> bool:
        """Start it again if it has ended; whether it had."""
        if self._process is None or self._process.poll() is None:
            return False
        self.start()
        return True

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
