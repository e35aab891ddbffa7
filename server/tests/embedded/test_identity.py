"""With whose rights PostgreSQL runs, tried with real servers."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest

from guilder_server.embedded import PostgresServer, identity

SERVER = Path(__file__).parents[2]

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="what only root must do otherwise")


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    """A folder below one that only its owner may enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home / "project"


@pytest.fixture
def without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_namespaces_work", lambda nobody: False)


def works(data_dir: Path) -> bool:
    with (
        PostgresServer(data_dir, durable=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_a_data_folder_below_a_closed_one_works(closed_folder: Path) -> None:
    assert works(closed_folder / "postgres")


@only_root
def test_root_without_namespaces_serves_as_nobody(
    closed_folder: Path, without_namespaces: None
) -> None:
    closed_folder.mkdir()
    data_dir = closed_folder / "postgres"
    chosen = identity.for_postgres(data_dir)
    assert chosen.kind == "user"
    assert chosen.capability is not None
    assert works(data_dir)
    assert data_dir.stat().st_uid == pwd.getpwnam("nobody").pw_uid


@only_root
def test_nobody_gets_no_capability_where_the_way_is_open(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nobody = pwd.getpwnam("nobody")
    assert identity._may_enter(nobody, Path("/usr/bin/env"))
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    assert not identity._may_enter(nobody, closed / "postgres")


@only_root
def test_a_folder_may_change_between_both_ways(
    closed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = closed_folder / "postgres"
    assert works(data_dir)
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_namespaces_work", lambda nobody: False)
        assert works(data_dir)
    assert works(data_dir)


@only_root
def test_an_ordinary_user_serves_from_its_own_closed_home() -> None:
    nobody = pwd.getpwnam("nobody")
    python = _interpreter_for(nobody)
    script = """
import subprocess, sys, tempfile
from pathlib import Path
from guilder_server.embedded import PostgresServer, RedisServer, postgres_environment
from guilder_server.embedded import postgres_program
home = Path(tempfile.mkdtemp())
with PostgresServer(home / "postgres", durable=False) as server, RedisServer(home / "redis"):
    subprocess.run(
        [postgres_program("psql"), server.url, "-Atc", "SELECT 'served'"],
        env=postgres_environment(), check=True,
    )
"""
    done = subprocess.run(
        [python, "-c", script],
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{SERVER}{os.pathsep}{sysconfig.get_path('purelib')}",
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "served", done.stderr


def _interpreter_for(user: pwd.struct_passwd) -> str:
    """An interpreter of this version that `user` may execute, or skip."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        real = Path(candidate).resolve()
        if real.exists() and all(
            identity._may_enter(user, path) for path in (Path(candidate), real, SERVER)
        ):
            return candidate
    pytest.skip("no interpreter here may be executed by another user")
