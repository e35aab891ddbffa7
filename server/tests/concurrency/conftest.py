"""Two ways to meet: all requests in one process, and in two that share a port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import TestDatabases
from tests.support.served import Served
from tests.support.storm import Storm


@pytest.fixture(scope="session", params=[1, 2], ids=["one process", "two workers"])
def crowded(
    request: pytest.FixtureRequest,
    postgres: TestDatabases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("crowded") / "log"
    with postgres.database() as url, Served(url, log, workers=request.param) as server:
        yield server


@pytest.fixture
def storm(crowded: Served) -> Iterator[Storm]:
    storm = Storm(crowded)
    yield storm
    storm.close()
