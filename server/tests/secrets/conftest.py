"""One server for all that is planted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guilder_server.embedded import RedisServer
from tests.secrets.watching import OPERATOR_KEY, Watched
from tests.support.served import Served
from tests.support.world import populate


@pytest.fixture(scope="session")
def watched(
    postgres: Any, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    settings = {
        "GUILDER_REDIS_URL": redis_server.url,
        "GUILDER_LOG_LEVEL": "debug",
        "GUILDER_ACCESS_LOG": "on",
        "GUILDER_OPERATOR_KEY": OPERATOR_KEY,
    }
    log = tmp_path_factory.mktemp("secrets") / "server.log"
    with postgres.database() as url, Served(url, log, settings=settings) as served:
        api = served.api()
        yield Watched(served, redis_server.url, populate(api, url))
        api.close()
