from __future__ import annotations

import stat
from pathlib import Path

import redis

from guilder_server.embedded import RedisServer


def test_it_answers_on_a_private_socket_and_on_no_network(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert server.socket_dir is not None
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700


def test_its_address_outlives_a_crash(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        url = server.url
        server.kill()
        assert not server.running
        server.start()
        assert server.url == url
        with redis.Redis.from_url(url) as client:
            assert client.ping()


def test_a_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis").start()
    socket_dir = server.socket_dir
    server.stop()
    assert not server.running
    assert socket_dir is not None
    assert not socket_dir.exists()
