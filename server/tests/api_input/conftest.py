"""One populated account for all that is refused: nothing in it changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.api import Api, ApiServer
from tests.support.rows import TenantRows
from tests.support.world import World, populate


@pytest.fixture(scope="session")
def world(api_server: ApiServer) -> Iterator[World]:
    client = Api(api_server.url, api_server.open_account())
    yield populate(client, api_server.database_url)
    client.close()


@pytest.fixture(scope="session")
def rows(world: World, api_server: ApiServer) -> Iterator[TenantRows]:
    found = TenantRows(api_server.database_url, world.api.account.tenant_id)
    yield found
    found.close()


@pytest.fixture
def unchanged(rows: TenantRows) -> Iterator[None]:
    """Whatever the test sends, the account's rows stay as many as they were."""
    before = rows.count()
    assert before["payment_intents"] > 0
    yield
    assert rows.count() == before
