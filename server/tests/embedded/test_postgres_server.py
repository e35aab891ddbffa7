from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from guilder_server.embedded import PostgresServer, ServerFailed
from tests.support.processes import eventually, processes_mentioning


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    made = PostgresServer(tmp_path / "data" / "postgres")
    with made:
        yield made


def ask(server: PostgresServer, question: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def remember(server: PostgresServer, number: int) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS seen (number int)")
        connection.execute("INSERT INTO seen VALUES (%s)", [number])


def test_a_new_server_is_durable_private_and_serves_an_ordinary_role(
    server: PostgresServer,
) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert ask(server, f"SHOW {name}") == "on"
    assert str(ask(server, "SHOW server_version")).startswith("18.")
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SELECT current_user") == "guilder"
    assert ask(server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(server, "SELECT datlocprovider FROM pg_database WHERE datname = 'guilder'") == "b"
    assert server.socket_dir is not None
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_data_and_address_outlive_stops_and_crashes(server: PostgresServer) -> None:
    url = server.url
    remember(server, 1)
    server.stop()
    server.start()
    remember(server, 2)
    server.kill()
    server.start()
    assert ask(server, "SELECT sum(number) FROM seen") == 3
    assert server.url == url


def test_a_folder_in_use_is_refused(server: PostgresServer) -> None:
    with pytest.raises(ServerFailed, match="another process runs PostgreSQL"):
        PostgresServer(server.data_dir).start()
    assert ask(server, "SELECT 1") == 1


def test_a_lock_file_that_names_a_living_stranger_is_a_leftover(server: PostgresServer) -> None:
    remember(server, 1)
    server.kill()
    lock = server.data_dir / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    server.start()
    assert ask(server, "SELECT count(*) FROM seen") == 1


def test_a_server_that_was_left_running_is_stopped_first(server: PostgresServer) -> None:
    """As after a kill -9 on a system that does not tie a child's life to its parent's."""
    remember(server, 1)
    orphan = server.pid
    left_running, server._child._process = server._child._process, None
    server._release()
    server.start()
    assert ask(server, "SELECT count(*) FROM seen") == 1
    assert server.pid != orphan
    assert left_running is not None
    assert left_running.wait() == 0


def test_a_half_made_data_folder_is_made_anew(tmp_path: Path) -> None:
    draft = tmp_path / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with PostgresServer(tmp_path / "postgres", durable=False) as server:
        assert ask(server, "SELECT 1") == 1
    assert not draft.exists()


def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    server = PostgresServer(
        tmp_path / "postgres", durable=False, settings={"max_connections": "none"}
    )
    with pytest.raises(ServerFailed, match="max_connections"):
        server.start()
    server.stop()


def test_a_stop_ends_every_process_and_removes_the_socket(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", durable=False).start()
    socket_dir = server.socket_dir
    server.stop()
    assert eventually(lambda: not processes_mentioning(str(tmp_path)))
    assert socket_dir is not None
    assert not socket_dir.exists()


def test_a_crash_of_one_backend_does_not_end_the_server(server: PostgresServer) -> None:
    remember(server, 1)
    with psycopg.connect(server.url) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return ask(server, "SELECT count(*) FROM seen") == 1
        except psycopg.OperationalError:
            return False

    assert eventually(answers)


def test_it_is_started_from_the_main_thread_only(tmp_path: Path) -> None:
    """The system would end it together with the thread that started it."""
    failures: list[Exception] = []

    def start() -> None:
        try:
            PostgresServer(tmp_path / "postgres", durable=False).start()
        except ServerFailed as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(failures[0])
