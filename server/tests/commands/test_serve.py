"""`guilder serve` on a database of the operator's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import psycopg
import pytest

from guilder_server.commands.durability import durability_problems
from guilder_server.commands.serving import NotFitToServe, refuse_unfit
from guilder_server.settings import Settings
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually, family_of, is_running
from tests.support.servers import RunningCommand, run_guilder

SECRETS = {
    "GUILDER_KEY_PEPPER": "p" * 32,
    "GUILDER_FINGERPRINT_KEY": "f" * 32,
    "GUILDER_SEALING_KEY": "s" * 32,
}


def serve(database_url: str, workers: int) -> RunningCommand:
    return RunningCommand(
        ["serve", "--port", "0", "--workers", str(workers)],
        {**SECRETS, "GUILDER_DATABASE_URL": database_url},
    )


def address_of(serving: RunningCommand) -> str:
    """Where it serves, once all of its workers do."""
    return serving.wait_for_line("Guilder serves on").split()[3]


def alive(address: str) -> bool:
    try:
        return httpx.get(f"{address}/livez", verify=False).status_code == 200
    except httpx.TransportError:
        return False


def workers_of(serving: RunningCommand) -> list[int]:
    return family_of(serving.process.pid)[1:]


def test_workers_serve_and_die_with_their_parent(database_url: str) -> None:
    with serve(database_url, workers=2) as serving:
        address = address_of(serving)
        assert alive(address)
        workers = workers_of(serving)
        assert len(workers) >= 2
        serving.kill()
        assert eventually(lambda: not any(map(is_running, workers)))
        assert not alive(address)


def test_a_worker_that_crashes_is_replaced_and_sigterm_ends_them_well(database_url: str) -> None:
    with serve(database_url, workers=2) as serving:
        address = address_of(serving)
        before = workers_of(serving)
        os.kill(max(before), signal.SIGKILL)
        assert eventually(lambda: bool(set(workers_of(serving)) - set(before)))
        assert eventually(lambda: alive(address))
        assert serving.stop(signal.SIGTERM) == 0
        assert eventually(lambda: not any(map(is_running, before)))


def test_sigterm_ends_a_single_process_well(database_url: str) -> None:
    with serve(database_url, workers=1) as serving:
        assert alive(address_of(serving))
        assert serving.stop(signal.SIGTERM) == 0


def test_live_mode_is_refused_on_a_database_that_may_lose_money(database_url: str) -> None:
    """The tests' own PostgreSQL is of that kind."""
    live = Settings(
        database_url=database_url,
        mode="live",
        key_pepper="p" * 32,
        fingerprint_key="f" * 32,
        sealing_key="s" * 32,
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


@pytest.mark.parametrize("missing", SECRETS)
def test_what_is_missing_is_named(database_url: str, missing: str) -> None:
    settings = {**SECRETS, "GUILDER_DATABASE_URL": database_url}
    del settings[missing]
    done = run_guilder("serve", "--port", "0", settings=settings)
    assert done.returncode == 2
    assert f"{missing} is not set" in done.stderr


def test_a_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    settings = {**SECRETS, "GUILDER_DATABASE_URL": f"postgresql:///guilder?host={tmp_path}"}
    done = run_guilder("serve", "--port", "0", settings=settings)
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
