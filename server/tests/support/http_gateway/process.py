"""Starting, tempering, killing and restarting the gateway's process from a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

SERVER_FOLDER = Path(__file__).parents[3]


class GatewayProcess:
    """A running gateway whose record outlives it.

    with GatewayProcess(tmp_path / "record.db", drop_after=0.3) as gateway:
        gateway.url, gateway.ledger(), gateway.kill(), gateway.start()
    """

    def __init__(self, record: Path, **temper: float) -> None:
        self._record = record
        self._temper = temper
        self._port = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it, on the port it had before if it ran before."""
        command = [
            sys.executable, "-m", "tests.support.http_gateway.server", str(self._record),
            "--port", str(self._port), "--temper", json.dumps(self._temper),
        ]  # fmt: skip
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SERVER_FOLDER)},
        )
        assert self._child.stdout is not None
        self._port = int(self._child.stdout.readline())

    def kill(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def temper(self, **changes: float) -> None:
        """How slow it is (`delay_ms`) and how often it drops (`drop_before`, `drop_after`)."""
        self._temper |= changes
        answer = httpx.post(f"{self.url}/temper", json=self._temper, verify=False)
        answer.raise_for_status()

    def ledger(self) -> dict[str, Any]:
        """Everything it has done, from its own record."""
        answer = httpx.get(f"{self.url}/ledger", verify=False).raise_for_status()
        ledger: dict[str, Any] = answer.json()
        return ledger

    def __enter__(self) -> GatewayProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
