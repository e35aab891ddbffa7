"""What every test may ask for. See support/postgres.py for the database fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from guilder_server.people.infra import passwords
from tests.support.api import api, api_server, other_api
from tests.support.postgres import (
    _process_database,
    database_url,
    fresh_database_url,
    postgres,
    running_server,
)
from tests.support.redis import redis_server, redis_url

__all__ = [
    "_process_database",
    "api",
    "api_server",
    "database_url",
    "fresh_database_url",
    "other_api",
    "postgres",
    "redis_server",
    "redis_url",
]

# A test says the same each time it runs; a campaign looks where no test has looked before.
_SHARED_MACHINE = [HealthCheck.too_slow]
settings.register_profile(
    "test", deadline=None, derandomize=True, suppress_health_check=_SHARED_MACHINE
)
settings.register_profile(
    "campaign", deadline=None, max_examples=5_000, suppress_health_check=_SHARED_MACHINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """In this process a password costs next to nothing: as it is made for users, it would take a
    fifth of a second of processor time, hundreds of times. A server started as a process, and the
    test of the costs, have the real ones."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", cheap)
        yield


def pytest_configure(config: pytest.Config) -> None:
    # The process that directs a parallel run; its workers have a `workerinput` instead.
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SharedServer(), "shared-server")


class SharedServer:
    """Each process of a parallel run is told of the one server that this process started."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._socket_dir: str | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._socket_dir is None:
            self._socket_dir = str(self._running.enter_context(running_server()).socket_dir)
        node.workerinput["postgres_socket_dir"] = self._socket_dir

    def pytest_unconfigure(self) -> None:
        self._running.close()
