from __future__ import annotations

import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from guilder_server.embedded import DevelopmentFolder, FolderInUse

SERVER = Path(__file__).parents[2]


def test_what_runs_in_a_folder_is_found_by_other_commands(tmp_path: Path) -> None:
    folder = DevelopmentFolder(tmp_path / "folder")
    other = DevelopmentFolder(tmp_path / "folder")
    assert other.running() is None
    with folder.serving("dev"):
        started = folder.wait_until_ready("dev")
        found = other.running()
        assert found is not None
        assert (found.purpose, found.pid) == ("dev", os.getpid())
        assert found.database_url == started.database_url
        with psycopg.connect(found.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(FolderInUse, match=r"`guilder dev` \(process"), other.serving("dev"):
            pytest.fail("the folder was claimed twice")
    assert other.running() is None


def test_a_server_that_crashes_is_revived_at_its_address(tmp_path: Path) -> None:
    folder = DevelopmentFolder(tmp_path / "folder")
    with folder.serving("dev"):
        url = folder.wait_until_ready("dev").database_url
        assert folder.revive() == []
        os.kill(folder.postgres.pid, signal.SIGKILL)
        os.kill(folder.redis.pid, signal.SIGKILL)
        os.waitid(os.P_PID, folder.postgres.pid, os.WEXITED | os.WNOWAIT)
        os.waitid(os.P_PID, folder.redis.pid, os.WEXITED | os.WNOWAIT)
        assert folder.revive() == ["PostgreSQL", "Redis"]
        folder.postgres.wait()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_secrets_are_made_once_and_are_for_nobody_else(tmp_path: Path) -> None:
    folder = DevelopmentFolder(tmp_path)
    made = folder.secrets()
    assert len(made.key_pepper) == len(made.fingerprint_key) == 64
    assert made.key_pepper != made.fingerprint_key
    assert DevelopmentFolder(tmp_path).secrets() == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_damaged_secrets_are_not_silently_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(json.JSONDecodeError):
        DevelopmentFolder(tmp_path).secrets()


def test_the_address_is_published_for_the_owner_only(tmp_path: Path) -> None:
    folder = DevelopmentFolder(tmp_path)
    secrets = dataclasses.replace(
        folder.secrets(), account="acct_1", secret_key="sk_1", publishable_key="pk_1"
    )
    written = folder.publish("http://127.0.0.1:4242", secrets)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert json.loads(written.read_text()) == {
        "api_base": "http://127.0.0.1:4242",
        "secret_key": "sk_1",
        "publishable_key": "pk_1",
        "account": "acct_1",
    }


def test_what_a_killed_owner_left_is_cleared_away(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from guilder_server.embedded import DevelopmentFolder\n"
        "folder = DevelopmentFolder(sys.argv[1])\n"
        "with folder.serving('dev'):\n"
        "    print(*folder.wait_until_ready('dev').socket_dirs, flush=True)\n"
        "    time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SERVER)},
    )
    assert owner.stdout is not None
    socket_dirs = [Path(name) for name in owner.stdout.readline().split()]
    owner.kill()
    owner.wait()
    folder = DevelopmentFolder(tmp_path)
    assert folder.running() is None
    with folder.serving("doctor"):
        folder.wait_until_ready("doctor")
        assert not any(each.exists() for each in socket_dirs)
