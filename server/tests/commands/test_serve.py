"""`guilder serve` on a database of the operator's."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from guilder_server.commands.durability import durability_problems
from guilder_server.commands.serving import NotFitToServe, refuse_unfit
from guilder_server.settings import Settings
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.servers import RunningCommand, run_guilder

SECRETS = {"GUILDER_KEY_PEPPER": "p" * 32, "GUILDER_FINGERPRINT_KEY": "f" * 32}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    except httpx.TransportError:
        return False


def workers_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def test_workers_serve_and_die_with_their_parent(database_url: str) -> None:
    port = free_port()
    settings = {**SECRETS, "GUILDER_DATABASE_URL": database_url, "GUILDER_WORKERS": "2"}
    with RunningCommand(["serve", "--port", str(port)], settings) as serving:
        assert eventually(lambda: alive(port), 30)
        workers = workers_of(serving.process.pid)
        assert len(workers) >= 2
        serving.kill()
        assert eventually(lambda: not any(Path(f"/proc/{pid}/cwd").exists() for pid in workers), 5)
        assert not alive(port)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_ends_it_well(database_url: str, workers: str) -> None:
    port = free_port()
    settings = {**SECRETS, "GUILDER_DATABASE_URL": database_url}
    arguments = ["serve", "--port", str(port), "--workers", workers]
    with RunningCommand(arguments, settings) as serving:
        assert eventually(lambda: alive(port), 30)
        assert serving.stop(signal.SIGTERM) == 0
        assert f"http://127.0.0.1:{port}" in serving.output()


def test_a_worker_that_crashes_is_replaced(database_url: str) -> None:
    port = free_port()
    settings = {**SECRETS, "GUILDER_DATABASE_URL": database_url}
    with RunningCommand(["serve", "--port", str(port), "--workers", "2"], settings) as serving:
        assert eventually(lambda: alive(port), 30)
        before = set(workers_of(serving.process.pid))
        time.sleep(1)
        os.kill(max(before), signal.SIGKILL)
        assert eventually(lambda: len(set(workers_of(serving.process.pid)) - before) > 0, 20)
        assert eventually(lambda: alive(port), 10)
        assert serving.stop() == 0


def test_live_mode_is_refused_on_a_database_that_may_lose_money(database_url: str) -> None:
    """The tests' own PostgreSQL is of that kind."""
    live = Settings(
        database_url=database_url, mode="live", key_pepper="p" * 32, fingerprint_key="f" * 32
    )
    with pytest.raises(NotFitToServe) as caught:
        refuse_unfit(live)
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert name in str(caught.value)

    done = run_guilder(
        "serve",
        settings={
            **SECRETS,
            "GUILDER_DATABASE_URL": database_url,
            "GUILDER_MODE": "live",
            "GUILDER_PORT": "0",
        },
    )
    assert done.returncode == 1
    assert "Live mode is refused" in done.stderr


@pytest.mark.parametrize("level", ["on", "local", "remote_write", "remote_apply"])
def test_a_commit_that_waits_for_the_disk_is_durable(database_url: str, level: str) -> None:
    with psycopg.connect(database_url, options=f"-c synchronous_commit={level}") as connection:
        assert not any("synchronous_commit" in each for each in durability_problems(connection))


def test_a_database_without_its_schema_is_refused(postgres: TestDatabases) -> None:
    with postgres.superuser_connection() as connection:
        connection.execute("CREATE DATABASE bare OWNER guilder")
    try:
        with pytest.raises(NotFitToServe, match="guilder migrate"):
            refuse_unfit(Settings(database_url=postgres.url_of("bare")))
    finally:
        postgres.drop("bare")


def test_what_is_missing_is_named(database_url: str) -> None:
    done = run_guilder("serve", settings={"GUILDER_DATABASE_URL": database_url})
    assert done.returncode == 2
    assert "GUILDER_KEY_PEPPER is not set" in done.stderr


def test_a_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    settings = {**SECRETS, "GUILDER_DATABASE_URL": f"postgresql:///guilder?host={tmp_path}"}
    done = run_guilder("serve", "--port", "0", settings=settings)
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
