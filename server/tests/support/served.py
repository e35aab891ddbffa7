"""The server as its users start it: a process of its own, that can be killed and started again.

`Served` is `guilder serve` on a database. With `gateway_url` it is the same server, composed
with the gateway behind HTTP instead of the sandbox; see http_gateway/serving.py.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from guilder_server.tenancy.bootstrap import DevAccount
from tests.support.api import FINGERPRINT_KEY, PEPPER, SEALING_KEY, UNLIMITED, Api, new_account
from tests.support.servers import environment, guilder

SERVER_FOLDER = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1
# Below those that systems give to outgoing connections, of which a test run leaves thousands.
_SERVERS_PORTS = (15_000, 32_000)
_SERVING = "tests.support.http_gateway.serving"


class Served:
    """One server, with the port and the database that it keeps over all its lives."""

    def __init__(
        self,
        database_url: str,
        log: Path,
        *,
        workers: int = 1,
        gateway_url: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.database_url = database_url
        self.log = log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = environment(
            {
                "GUILDER_DATABASE_URL": database_url,
                "GUILDER_KEY_PEPPER": PEPPER,
                "GUILDER_FINGERPRINT_KEY": FINGERPRINT_KEY,
                "GUILDER_SEALING_KEY": SEALING_KEY,
                "GUILDER_PORT": str(self.port),
                "GUILDER_WORKERS": str(workers),
                "GUILDER_LOG_LEVEL": "warning",
                **{f"GUILDER_{name.upper()}": str(value) for name, value in UNLIMITED.items()},
                **(settings or {}),
            }
        )
        self._command = guilder("serve")
        if gateway_url is not None:
            self._command = [sys.executable, "-m", _SERVING]
            self.environment["HTTP_GATEWAY_URL"] = gateway_url
            self.environment["PYTHONPATH"] = str(SERVER_FOLDER)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it; to be called in the main thread, whose end would be its end."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the system and no Python
            )
        if wait:
            self.wait()

    def wait(self, timeout_s: float = 60) -> None:
        """Until it answers and reaches its database."""
        deadline = time.monotonic() + timeout_s
        while not self.healthy():
            assert self._process is not None
            assert self._process.poll() is None, f"it ended while starting:\n{self.last_words()}"
            assert time.monotonic() < deadline, f"it does not answer:\n{self.last_words()}"
            time.sleep(0.02)

    def healthy(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/healthz", timeout=5, verify=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def kill(self) -> None:
        """SIGKILL, as the system does when memory runs out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, timeout_s: float = 40) -> int:
        """The exit status of a server that was told to stop."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def open_account(self) -> DevAccount:
        return new_account(self.database_url)

    def api(self, account: DevAccount | None = None) -> Api:
        return Api(self.url, account or self.open_account())

    def last_words(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


def free_port() -> int:
    """One that no outgoing connection is given while its server starts, or is away for a while."""
    while True:
        port = random.SystemRandom().randrange(*_SERVERS_PORTS)
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port


def die_with_parent() -> None:
    """A test run that is killed leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == 1:
            os._exit(1)
