"""A kill -9 of whoever started the servers leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from guilder_server.embedded import PostgresServer
from tests.support.processes import eventually, family_of, is_running

SERVER = Path(__file__).parents[2]
PARENT = """
import sys, time
from guilder_server.embedded import PostgresServer, RedisServer
from guilder_server.embedded import identity
if sys.argv[2] == "without namespaces":
    identity._namespaces_work = lambda nobody: False
postgres = PostgresServer(sys.argv[1] + "/postgres").start()
redis = RedisServer(sys.argv[1] + "/redis").start()
print(postgres.url, postgres.pid, redis.pid, flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Linux offers")


@pytest.mark.parametrize("way", ["default", "without namespaces"])
def test_a_killed_parent_takes_its_servers_along_and_the_data_stays(
    tmp_path: Path, way: str
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), way],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SERVER)},
    )
    assert parent.stdout is not None
    url, postgres_pid, redis_pid = parent.stdout.readline().split()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen AS SELECT 7 AS number")
        servers = [*family_of(int(postgres_pid)), int(redis_pid)]
        assert len(servers) > 5
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert eventually(lambda: not any(map(is_running, servers)))

    with PostgresServer(tmp_path / "postgres") as server, psycopg.connect(server.url) as again:
        assert again.execute("SELECT number FROM seen").fetchone() == (7,)
