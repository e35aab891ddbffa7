"""A server as a child process: it dies with us, it writes its log to a file, it can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from guilder_server.embedded.identity import Identity, launch_command


class ServerFailed(Exception):
    """An embedded server did not start, or did not do as it was told."""


class Child:
    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        command: Sequence[str],
        identity: Identity,
        death_signal: signal.Signals,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The system binds the child to the thread that starts it, not to the process.
            raise ServerFailed(f"{self.name} must be started from the main thread")
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(
                launch_command(identity, command, death_signal),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(environment),
                cwd=folder,
                # A Ctrl-C in the terminal is for us; we stop the servers when we are done.
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Poll until `ready`, or say why it will never be."""
        deadline = time.monotonic() + timeout_s
        pause = 0.002
        while not ready():
            if not self.running:
                raise ServerFailed(f"{self.name} stopped while starting.\n{self.last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(
                    f"{self.name} was not ready after {timeout_s:.0f} s.\n{self.last_words()}"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def stop(self, signals: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal in turn until the process has ended within that signal's seconds."""
        process = self._process
        if process is None:
            return
        for number, patience_s in signals:
            if process.poll() is not None:
                break
            process.send_signal(number)
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
        if process.poll() is None:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def last_words(self, lines: int = 15) -> str:
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return f"There is no log at {self.log}."
        return f"The end of {self.log}:\n" + "\n".join(text.splitlines()[-lines:])
