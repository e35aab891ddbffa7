"""A program on the developer's machine that takes webhooks: what it was sent, and its answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from tests.support.processes import eventually

# Status, headers and body of the answer to a request.
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def type(self) -> str:
        return str(self.event["type"])


class LocalProgram:
    """It listens while the context lasts, on a port of its own or on the one it is given."""

    def __init__(
        self, answer: Callable[[Received], Answer] = lambda _: (200, {}, b"ok"), port: int = 0
    ) -> None:
        self.received: list[Received] = []
        program = self

        class Handler(BaseHTTPRequestHandler):
            def take(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                received = Received(
                    self.command, self.path, dict(self.headers), self.rfile.read(length)
                )
                program.received.append(received)
                status, headers, body = answer(received)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None: ...

        for method in ("GET", "POST"):
            setattr(Handler, f"do_{method}", Handler.take)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.base}/hook"

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.received]

    def wait_for(self, type: str) -> Received:
        """The first event of this type that it was sent."""
        assert eventually(lambda: type in self.types), f"{type} is not among {self.types}"
        return next(each for each in self.received if each.type == type)

    def __enter__(self) -> LocalProgram:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def slowly(seconds: float) -> Answer:
    time.sleep(seconds)
    return 200, {}, b"at last"
