"""Redis killed, stopped, slow and emptied while many ask: never unlimited, never down.

Two processes serve. With Redis they share a limit, without it each has half of it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from os import kill
from pathlib import Path

import httpx
import pytest
import redis

from guilder_server.embedded import RedisServer
from tests.support.api import Api
from tests.support.served import Served

RATE = 20  # a second, so 40 at once
CROWD = 12


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("limits") / "redis") as server:
        yield server


@pytest.fixture(scope="module")
def served(
    postgres: object, own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    log: Path = tmp_path_factory.mktemp("limits") / "log"
    settings = {
        "GUILDER_RATE_TEST": str(RATE),
        "GUILDER_REDIS_URL": own_redis.url,
        "GUILDER_LOG_LEVEL": "debug",
    }
    with (
        postgres.database() as url,  # type: ignore[attr-defined]
        Served(url, log, workers=2, settings=settings) as server,
    ):
        yield server


class Flood:
    """Many callers with one key, each on connections of its own."""

    def __init__(self, served: Served) -> None:
        self._api, self._served = served.api(), served
        self._lost = said(served, "limits_not_shared")
        self.statuses: Counter[int] = Counter()
        self.slowest_s = 0.0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CROWD)]
        self.began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        # Not kept alive, so that both processes are asked.
        with httpx.Client(
            base_url=self._api.url,
            verify=False,
            timeout=20,
            headers={"Authorization": f"Bearer {self._api.key}", "Connection": "close"},
        ) as client:
            while not self._over.is_set():
                began = time.monotonic()
                self.statuses[client.get("/v1/balance").status_code] += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                time.sleep(0.005)

    def losses(self) -> int:
        """How often a process went without Redis, which a busy machine may add to."""
        return said(self._served, "limits_not_shared") - self._lost

    def end(self) -> float:
        """The seconds that it lasted."""
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        self._api.close()
        return time.monotonic() - self.began


def held(flood: Flood, bursts: int) -> None:
    """It was limited, and by nothing else than the limit. `bursts` is how often the buckets in
    Redis began anew; a process that goes without them has its own, of half the size, while those
    in Redis run empty."""
    lasted = flood.end()
    assert set(flood.statuses) == {200, 429}, flood.statuses
    most = 2 * RATE * (bursts + flood.losses()) + RATE * lasted
    assert flood.statuses[200] <= most, (flood.statuses, lasted)
    assert flood.statuses[200] >= RATE * lasted / 2, (flood.statuses, lasted)
    assert flood.statuses[429] >= CROWD


def shared_again(served: Served, times: int) -> None:
    """Until both processes have said so often that they share limits."""
    deadline = time.monotonic() + 10
    while said(served) < times:
        assert time.monotonic() < deadline, served.last_words()
        time.sleep(0.05)


def said(served: Served, what: str = "limits_shared") -> int:
    return served.log.read_text().count(what)


def test_two_processes_share_one_limit(served: Served) -> None:
    shared_again(served, 2)
    flood = Flood(served)
    time.sleep(1.0)
    held(flood, bursts=1)


def test_redis_that_is_emptied_lets_one_more_burst_through(
    served: Served, own_redis: RedisServer
) -> None:
    flood = Flood(served)
    time.sleep(0.5)
    with redis.Redis.from_url(own_redis.url) as client:
        client.flushall()
        client.script_flush()
    time.sleep(0.5)
    held(flood, bursts=2)


def test_redis_that_hangs_holds_nobody_up(served: Served, own_redis: RedisServer) -> None:
    before = said(served)
    flood = Flood(served)
    time.sleep(0.3)
    kill(own_redis.pid, signal.SIGSTOP)
    try:
        time.sleep(2.0)
    finally:
        kill(own_redis.pid, signal.SIGCONT)
    shared_again(served, before + 2)
    time.sleep(0.3)
    held(flood, bursts=1)
    # Refusals are told late, by half a second; nobody waited for Redis.
    assert flood.slowest_s < 1.8


def test_redis_that_dies_and_comes_back_is_found_again(
    served: Served, own_redis: RedisServer
) -> None:
    before = said(served)
    flood = Flood(served)
    time.sleep(0.3)
    kill(own_redis.pid, signal.SIGKILL)
    time.sleep(0.5)
    api = Api(served.url, served.open_account())
    assert api.pay()["status"] == "succeeded"
    api.close()
    own_redis.stop()
    own_redis.start()
    shared_again(served, before + 2)
    time.sleep(0.3)
    held(flood, bursts=2)
