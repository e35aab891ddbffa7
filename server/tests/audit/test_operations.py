"""Every operation of the contract that changes something leaves one entry, no other any."""

from __future__ import annotations

import pytest

from tests.audit.trail import entries
from tests.support.api import Api, ApiServer
from tests.support.contract import OPERATIONS, Operation
from tests.support.world import World, populate

# Of webhooks that are sent again, the log of deliveries tells.
BOOKKEEPING = {"retry_event"}
CHANGING = [one for one in OPERATIONS.values() if one.method != "GET"]
READING = [one for one in OPERATIONS.values() if one.method == "GET"]


@pytest.fixture(scope="module")
def told(api_server: ApiServer) -> World:
    return populate(Api(api_server.url, api_server.open_account()), api_server.database_url)


@pytest.mark.parametrize("operation", CHANGING, ids=lambda one: one.id)
def test_a_change_leaves_one_entry(told: World, operation: Operation) -> None:
    api = told.api
    params = told.params(operation)
    if operation.id.startswith("update_"):
        params |= {"metadata": {"audited": "yes"}}
    sent = api.send(operation.method, told.path(operation), params)
    found = entries(api, request=sent.headers["request-id"])
    if sent.status >= 400:
        # Something before it has made it impossible; a refusal of a gateway is kept and told of.
        assert sent.status == 402 or not found, sent.body
        return
    if operation.id in BOOKKEEPING:
        assert not found
        return
    assert [one["action"] for one in found] == [operation.id]
    assert found[0]["changes"]
    assert found[0]["actor"]["type"] == "api_key"


def test_reading_leaves_none(told: World) -> None:
    api = told.api
    before = len(entries(api))
    newest = entries(api)[-1]["id"]
    for operation in READING:
        api.send(operation.method, told.path(operation), told.params(operation))
    assert (len(entries(api)), entries(api)[-1]["id"]) == (before, newest)
