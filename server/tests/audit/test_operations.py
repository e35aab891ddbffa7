"""Every operation of the contract that changes something leaves one entry, no other any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from guilder_server.http.contract import Contract
from guilder_server.postgres.trail import blocks
from guilder_server.postgres.trail.blocks import Entry
from tests.audit.trail import entries
from tests.support.api import Answer, Api, ApiServer
from tests.support.contract import OPERATIONS, Operation
from tests.support.people import joined
from tests.support.world import World, populate
from tests.usage.keeping import OPERATOR_KEY

# Of webhooks that are sent again, the log of deliveries tells.
BOOKKEEPING = {"retry_event"}
# Of a refund only a bank can make one that waits; a key has no sessions.
IMPOSSIBLE = {"cancel_refund", "change_password", "create_recovery_codes", "revoke_session"}
CHANGING = [one for one in OPERATIONS.values() if one.method != "GET" and one.id not in IMPOSSIBLE]
READING = [one for one in OPERATIONS.values() if one.method == "GET"]
# What an update says that others say in metadata.
UPDATES = {"update_api_key": {"name": "audited"}, "update_user": {"role": "support"}}
# After one of these there may be nothing left that another could change.
ENDING = ("cancel", "detach", "release", "revoke", "roll", "void")


@pytest.fixture(scope="module")
def worlds(api_server: ApiServer) -> list[World]:
    """For what leaves an object as it is, what ends it, and what deletes it or asks for more."""
    found = []
    for _ in range(3):
        world = populate(Api(api_server.url, api_server.open_account()), api_server.database_url)
        waiting = {"amount": 10, "currency": "usd", "destination": "ba_pending"}
        payout = world.api.post("/v1/payouts", wallet=world.ids["wallet"], **waiting)
        world.ids["payout"] = payout["id"]
        found.append(world)
    return found


def world_of(worlds: list[World], operation: Operation) -> World:
    verb = operation.id.partition("_")[0]
    return worlds[2 if verb in ("delete", "increment") else 1 if verb in ENDING else 0]


@pytest.mark.parametrize("operation", CHANGING, ids=lambda one: one.id)
def test_a_change_leaves_one_entry(worlds: list[World], operation: Operation) -> None:
    world = world_of(worlds, operation)
    params = world.params(operation)
    if operation.id.startswith("update_"):
        params |= UPDATES.get(operation.id, {"metadata": {"audited": "yes"}})
    sent = world.api.send(operation.method, world.path(operation), params)
    assert sent.status == 200, sent.body
    found = entries(world.api, request=sent.headers["request-id"])
    if operation.id in BOOKKEEPING:
        assert not found
        return
    assert [one["action"] for one in found] == [operation.id]
    assert found[0]["changes"]
    assert found[0]["actor"]["type"] == "api_key"


def test_reading_leaves_none(worlds: list[World]) -> None:
    world = worlds[0]
    api = world.api
    newest = entries(api)[-1]["id"]
    for operation in READING:
        api.send(operation.method, world.path(operation), world.params(operation))
    since = entries(api, ending_before=newest)
    # What was begun before comes to its end meanwhile.
    assert {one["actor"]["type"] for one in since} <= {"job"}


def test_a_person_leaves_one_entry_too(api: Api, api_server: ApiServer) -> None:
    account = api.account.account
    owner, _ = joined(api_server.database_url, api_server.url, account)
    session = owner.ask("GET", "/v1/sessions/current")["id"]
    user = owner.ask("GET", "/v1/users")["data"][0]["id"]
    made = owner.ask("POST", "/v1/customers", name="Amy")
    ended = owner.ask("POST", f"/v1/sessions/{session}/revoke")
    for sent, action in ((made, "create_customer"), (ended, "revoke_session")):
        assert sent.status == 200, sent.body
        [entry] = entries(api, request=sent.headers["request-id"])
        assert (entry["action"], entry["actor"]["type"]) == (action, "user")
        assert entry["actor"]["id"] == user


OF_OPERATOR = {
    one.id: one for one in Contract.load().operations.values() if one.permission == "operator:write"
}
# In this order each finds what it is about.
DONE_TO_AN_ACCOUNT: Mapping[str, dict[str, Any]] = {
    "create_operator_account": {"name": "Shoes"},
    "update_operator_account": {"plan": "default"},
    "suspend_operator_account": {},
    "resume_operator_account": {},
    "create_operator_key": {"kind": "secret", "livemode": False},
    "roll_operator_key": {},
    "revoke_operator_key": {},
    "close_operator_account": {},
}
OF_NO_ACCOUNT = {"create_operator_organization"}
# Keys are handed out as at the command line, whose words these are.
SAID_OF_KEYS = {f"{verb}_operator_key": f"{verb}_api_key" for verb in ("create", "roll", "revoke")}


@pytest.fixture(scope="module")
def desk(api_server: ApiServer) -> Iterator[Api]:
    """Whoever runs the server, over HTTP."""
    server = ApiServer(api_server.database_url, operator_key=OPERATOR_KEY)
    server.start()
    api = Api(server.url, server.open_account())
    api.key = OPERATOR_KEY
    yield api
    server.stop()


def of_request(database_url: str, sent: Answer) -> list[tuple[str | None, bool | None, Entry]]:
    """Each entry that a request has left, with the account and the mode that it stands in."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT t.account_id, t.livemode, b.id, b.payload FROM audit_blocks b "
            "LEFT JOIN tenants t ON t.id = b.tenant_id"
        ).fetchall()
    found = [
        (account, livemode, blocks.entry(id, place, line))
        for account, livemode, id, payload in rows
        for place, line in enumerate(blocks.lines_of(blocks.unpack(payload)))
    ]
    return [one for one in found if one[2].cause.request_id == sent.headers["request-id"]]


def test_what_the_operator_does_stands_in_both_modes_of_the_account(
    desk: Api, api_server: ApiServer
) -> None:
    assert DONE_TO_AN_ACCOUNT.keys() | OF_NO_ACCOUNT == OF_OPERATOR.keys()
    named = {}
    for id, params in DONE_TO_AN_ACCOUNT.items():
        operation = OF_OPERATOR[id]
        sent = desk.send("POST", operation.path.format_map(named), params)
        assert sent.status == 200, sent.body
        named["key" if "key" in id else "account"] = sent["id"]
        told = [one for one in of_request(api_server.database_url, sent) if one[0] is not None]
        assert {(account, mode) for account, mode, _ in told} == {
            (named["account"], False),
            (named["account"], True),
        }, id
        for _, _, entry in told:
            assert entry.cause.actor.kind == "operator"
            assert entry.cause.actor.address == "127.0.0.1"
            assert entry.cause.action in (id, SAID_OF_KEYS.get(id), "create_api_key")
            assert "gld" not in repr(entry)


def test_what_the_operator_does_to_no_account_is_told_of_too(
    desk: Api, api_server: ApiServer
) -> None:
    sent = desk.post("/v1/operator/organizations", name="Brands")
    [(account, _, entry)] = of_request(api_server.database_url, sent)
    assert (account, entry.cause.action) == (None, "create_operator_organization")
    assert [(one.object, one.id) for one in entry.touched] == [("organization", sent["id"])]
