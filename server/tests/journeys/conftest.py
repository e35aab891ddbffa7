"""One server, started as a user starts it; each test is a shop with an account of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.official import Shop
from tests.support.postgres import TestDatabases
from tests.support.served import Served


@pytest.fixture(scope="session")
def served(postgres: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("served") / "log"
    with postgres.database() as url, Served(url, log) as server:
        yield server


@pytest.fixture
def shop(served: Served) -> Shop:
    return Shop(served.url, served.open_account())
