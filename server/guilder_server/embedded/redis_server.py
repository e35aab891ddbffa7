"""A Redis of our own, reachable through a socket in a private folder."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from guilder_server.embedded.binaries import redis_program
from guilder_server.embedded.child import Child
from guilder_server.embedded.identity import Identity
from guilder_server.embedded.sockets import remove_socket_folder, socket_folder


class RedisServer:
    """Starts with `start()` or as a context; `url` is what Redis clients take.

    Nothing of value is kept in Redis, so nothing of it is saved. A restart keeps the address.
    """

    def __init__(self, data_dir: Path | str) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.socket_dir: Path | None = None
        self._child = Child("Redis", self.data_dir.with_suffix(".log"))

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def _socket(self) -> Path:
        if self.socket_dir is None:
            raise RuntimeError("Redis has not been started")
        return self.socket_dir / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}?db=0"

    def start(self, *, wait: bool = True) -> RedisServer:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket_dir = socket_folder(self.socket_dir)
        command = [
            str(redis_program()),
            *("--port", "0"),
            *("--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(self.data_dir)),
            *("--save", "", "--appendonly", "no"),
            *("--daemonize", "no", "--loglevel", "warning"),
        ]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        self._child.start(command, Identity(), signal.SIGTERM, environment, self.data_dir)
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Return once it answers."""
        self._child.wait_until(self._answers, 15)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def stop(self) -> None:
        self._child.stop([(signal.SIGTERM, 5)])
        remove_socket_folder(self.socket_dir)

    def kill(self) -> None:
        self._child.kill()

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
