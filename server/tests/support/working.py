"""`guilder worker` beside a server, as a process that can be killed and started again."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.support.served import Served, die_with_parent
from tests.support.servers import guilder


class Working:
    """A worker with the settings of `served`, over all its lives."""

    def __init__(self, served: Served, log: Path) -> None:
        self._environment = served.environment
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the worker was not started"
        return self._process.pid

    def start(self) -> None:
        """To be called in the main thread, whose end would be its end."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                guilder("worker"),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the system and no Python
            )

    def kill(self) -> None:
        """SIGKILL, as the system does when memory runs out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float = 40) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def last_words(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Working:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
