"""A PostgreSQL 18 of our own: made, started, stopped and, for crash tests, killed.

It listens on one socket in a folder that only its user may enter, and on no network. Whoever may
enter that folder is let in without a password: a password would have to lie in a file with the
very same protection.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from guilder_server.embedded.binaries import postgres_environment, postgres_program
from guilder_server.embedded.child import Child, ServerFailed
from guilder_server.embedded.identity import Identity, for_postgres, launch_command
from guilder_server.embedded.leftovers import end_processes_in
from guilder_server.embedded.sockets import remove_socket_folder, socket_folder

SUPERUSER = "postgres"
ROLE = "guilder"
DATABASE = "guilder"
_PEER_RULES = "pg_hba_peer.conf"

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# Said aloud, so that no file in the data folder can weaken it.
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
}


class PostgresServer:
    """Starts with `start()` or as a context; `url` is what psycopg takes.

    `durable=False` is for tests on a memory-backed folder: a crash of the machine loses data.
    `settings` are added to, or replace, those above. A restart keeps the address.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.durable = durable
        self.socket_dir: Path | None = None
        self._settings = {**_SETTINGS, **(_DURABLE if durable else _FORGETFUL), **(settings or {})}
        self._child = Child("PostgreSQL", self.data_dir.with_suffix(".log"))
        self._lock: int | None = None

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    @property
    def superuser_url(self) -> str:
        """For what an application's role may not do; Guilder itself never needs it."""
        return self.url_of("postgres", SUPERUSER)

    def url_of(self, database: str, role: str = ROLE) -> str:
        if self.socket_dir is None:
            raise ServerFailed("PostgreSQL has not been started")
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir), safe='')}"

    def start(self, *, wait: bool = True) -> PostgresServer:
        self.data_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._claim()
        try:
            identity = for_postgres(postgres_program("postgres"), self.data_dir)
            end_processes_in(self.data_dir, signal.SIGINT)
            if not self.data_dir.exists():
                self._initialize(identity)
            else:
                _give(self.data_dir, identity)
            self.socket_dir = socket_folder(self.socket_dir, identity.owner)
            self._child.start(
                self._command(identity),
                identity,
                # As the parent goes, so do we: at once, and in order.
                signal.SIGINT if self.durable else signal.SIGQUIT,
                postgres_environment(),
                self.data_dir.parent,
            )
            if wait:
                self.wait()
        except BaseException:
            self._release()
            raise
        return self

    def wait(self, timeout_s: float = 60) -> None:
        """Return once it answers; after a crash it repairs itself first."""
        self._child.wait_until(self._ready, timeout_s)

    def let_make_roles(self) -> None:
        """What a folder of before row-level security lacks; others have it from the beginning."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {ROLE} CREATEROLE")

    def stop(self) -> None:
        self._child.stop([(signal.SIGINT, 30), (signal.SIGQUIT, 10)])
        remove_socket_folder(self.socket_dir)
        self._release()

    def kill(self) -> None:
        """End the server as a crash would; `start()` again to recover."""
        self._child.kill()
        self._release()

    def _command(self, identity: Identity) -> list[str]:
        command = [str(postgres_program("postgres")), "-D", str(self.data_dir)]
        settings = {**self._settings, "unix_socket_directories": str(self.socket_dir)}
        if identity.kind == "user":
            # Other services may run as `nobody` too, and could enter our folder of sockets.
            settings["hba_file"] = str(self.data_dir / _PEER_RULES)
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _ready(self) -> bool:
        """PostgreSQL writes its state on the eighth line of its lock file."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _initialize(self, identity: Identity) -> None:
        """Make the data folder beside its place, so that a half-made one is never taken for it."""
        draft = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _give(draft, identity)
        self._run(
            identity,
            [
                str(postgres_program("initdb")),
                *("-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                # Sorting that no update of the system can change under an index.
                *("--locale-provider=builtin", "--locale=C.UTF-8"),
                *("--data-checksums", "--no-instructions"),
                *(() if self.durable else ("--no-sync",)),
            ],
        )
        statements = (
            f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE;\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE} STRATEGY FILE_COPY;\n"
        )
        single = [str(postgres_program("postgres")), "--single", "-D", str(draft)]
        single += ["-c", f"fsync={'on' if self.durable else 'off'}", "postgres"]
        self._run(identity, single, statements)
        _write_peer_rules(draft, identity)
        draft.rename(self.data_dir)

    def _run(self, identity: Identity, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            launch_command(identity, command),
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=postgres_environment(),
            cwd=self.data_dir.parent,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        # In single-user mode a failed statement is reported, but the program ends well.
        if done.returncode != 0 or " ERROR: " in output or " FATAL: " in output:
            raise ServerFailed(f"PostgreSQL could not make its data folder.\n{output}")

    def _claim(self) -> None:
        """One owner for a data folder; the system lets go of the claim when the owner dies."""
        if self._lock is not None:
            return
        path = self.data_dir.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ServerFailed(f"another process runs PostgreSQL on {self.data_dir}") from None
        self._lock = descriptor

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> PostgresServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _write_peer_rules(folder: Path, identity: Identity) -> None:
    """Rules that let in only root, for a server that does not run as root."""
    for name, rules in (
        (_PEER_RULES, "local all all peer map=embedded\n"),
        ("pg_ident.conf", f"embedded root {ROLE}\nembedded root {SUPERUSER}\n"),
    ):
        path = folder / name
        path.write_text(rules, encoding="ascii")
        path.chmod(0o600)
        os.chown(path, *identity.owner)


def _give(folder: Path, identity: Identity) -> None:
    """PostgreSQL serves only what its own user owns; root may have been somebody else before."""
    uid, gid = identity.owner
    if os.geteuid() != 0 or folder.stat().st_uid == uid:
        return
    os.chown(folder, uid, gid)
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            os.lchown(os.path.join(place, name), uid, gid)
