"""A development folder: the data of both servers, the secrets, and who is at work in it.

postgres/ redis/          the servers' data, beside them their logs
secrets.json              what keys are hashed with, and the development account's keys
dev.json                  what a client needs to know
run.json                  where the running servers are, for other commands
lock                      held by the process that runs the servers
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from guilder_server.embedded.child import ServerFailed
from guilder_server.embedded.postgres_server import PostgresServer
from guilder_server.embedded.redis_server import RedisServer
from guilder_server.embedded.sockets import remove_socket_folder

# Commands that run until they are stopped; all others are done in a moment.
LASTING = ("dev", "serve")

_MADE = ("key_pepper", "fingerprint_key", "sealing_key", "ledger_signing_key")


class FolderInUse(Exception):
    """Another process runs the servers of this folder."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made once for a folder; whoever has them can act as its account."""

    key_pepper: str
    fingerprint_key: str
    sealing_key: str
    ledger_signing_key: str
    account: str | None = None
    secret_key: str | None = None
    publishable_key: str | None = None


@dataclass(frozen=True, slots=True)
class RunningServers:
    """Where they are, and the process they belong to."""

    purpose: str
    pid: int
    database_url: str
    redis_url: str
    socket_dirs: tuple[str, ...] = ()


class DevelopmentFolder:
    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().absolute()
        self.postgres = PostgresServer(self.path / "postgres")
        self.redis = RedisServer(self.path / "redis")

    @property
    def exists(self) -> bool:
        return (self.path / "secrets.json").exists()

    @contextmanager
    def serving(self, purpose: str) -> Iterator[DevelopmentFolder]:
        """Start both servers, and stop them in the end; refuse if somebody else has."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._claim(purpose):
            try:
                # Both start while the other does.
                self.redis.start(wait=False)
                self.postgres.start(wait=False)
                yield self
            finally:
                self._path("run.json").unlink(missing_ok=True)
                self.postgres.stop()
                self.redis.stop()

    def wait_until_ready(self, purpose: str) -> RunningServers:
        """Wait for both servers, and tell other commands where they are."""
        self.redis.wait()
        self.postgres.wait()
        self.postgres.let_make_roles()
        running = RunningServers(
            purpose,
            os.getpid(),
            self.postgres.url,
            self.redis.url,
            (str(self.postgres.socket_dir), str(self.redis.socket_dir)),
        )
        self._write("run.json", asdict(running))
        return running

    def revive(self) -> list[str]:
        """Start again what has crashed; the names of what that was."""
        revived = []
        for name, server in (("PostgreSQL", self.postgres), ("Redis", self.redis)):
            if not server.running:
                server.kill()
                server.start(wait=False)
                revived.append(name)
        return revived

    def running(self, patience_s: float = 30) -> RunningServers | None:
        """The servers that another process runs in this folder and will go on running."""
        deadline = time.monotonic() + patience_s
        while self._claimed():
            found = self._read("run.json")
            if found is not None and found["purpose"] in LASTING:
                return RunningServers(**found)
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self._who()} Its servers do not get ready.")
            time.sleep(0.05)
        return None

    def secrets(self) -> Secrets:
        """The folder's secrets, made the first time."""
        found = self._read("secrets.json")
        if found is not None and _MADE[-1] in found:
            return Secrets(**found)
        # A folder of an earlier version keeps what it has and gets what it lacks.
        new = {name: secrets.token_hex(32) for name in _MADE}
        made = Secrets(**{**new, **(found or {})})
        self.keep_secrets(made)
        return made

    def keep_secrets(self, kept: Secrets) -> None:
        self._write("secrets.json", asdict(kept))

    def forget_address(self) -> None:
        """While the server does not listen, nobody should think that it does."""
        self._path("dev.json").unlink(missing_ok=True)

    def publish(self, api_base: str, kept: Secrets) -> Path:
        """Tell clients, in dev.json, where the server is and which keys it takes."""
        return self._write(
            "dev.json",
            {
                "api_base": api_base,
                "secret_key": kept.secret_key,
                "publishable_key": kept.publishable_key,
                "account": kept.account,
            },
        )

    def address(self) -> str | None:
        """Where its server listens, as dev.json tells clients."""
        try:
            found = self._read("dev.json") or {}
        except json.JSONDecodeError:
            return None
        return found.get("api_base")

    @contextmanager
    def _claim(self, purpose: str) -> Iterator[None]:
        with self._path("lock").open("a", encoding="utf-8") as lock:
            if not self._lock(lock):
                raise FolderInUse(self._who())
            lock.truncate(0)
            lock.write(json.dumps({"purpose": purpose, "pid": os.getpid()}))
            lock.flush()
            self._remove_leftovers()
            yield

    def _remove_leftovers(self) -> None:
        """What an owner that was killed could not clear away."""
        found = self._read("run.json")
        if found is not None:
            for socket_dir in found.get("socket_dirs", ()):
                remove_socket_folder(Path(socket_dir))
        self._path("run.json").unlink(missing_ok=True)

    @staticmethod
    def _lock(lock: TextIO) -> bool:
        for _ in range(10):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # It may be a command that only looks whether there is a lock.
                time.sleep(0.02)
            else:
                return True
        return False

    def _claimed(self) -> bool:
        try:
            with self._path("lock").open("rb") as lock:
                # Shared: two commands that look at the same time must not see each other.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _who(self) -> str:
        try:
            found = self._read("lock") or {}
        except json.JSONDecodeError:
            # It is being written.
            found = {}
        purpose, pid = found.get("purpose", "?"), found.get("pid", "?")
        return f"`guilder {purpose}` (process {pid}) works in {self.path}."

    def _path(self, name: str) -> Path:
        return self.path / name

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._path(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def _write(self, name: str, content: Mapping[str, object]) -> Path:
        """Whole or not at all, and for nobody else to read."""
        path = self._path(name)
        draft = path.with_name(f".{name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return path
