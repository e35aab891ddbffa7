"""What belongs to another account answers exactly as what does not exist.

The places where an id may stand are taken from the contract, so that a new one cannot be
forgotten here.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Answer, Api, ApiServer
from tests.support.contract import OPERATIONS, Operation, Parameter, placed
from tests.support.world import World, populate

# The kind of object that a parameter names, where its own name does not say it.
KINDS = {
    "account": "ledger_account",
    "checkpoint": "ledger_checkpoint",
    "credit": "ledger_account",
    "debit": "ledger_account",
    "destination": "wallet",
    "default_payment_method": "payment_method",
    "intent": "payment_intent",
    "source": "charge",
    "token": "payment_method",
    "transaction": "ledger_transaction",
}
LISTED = {
    "list_api_keys": "api_key",
    "list_oauth_clients": "oauth_client",
    "list_audit_entries": "audit_entry",
    "list_balance_transactions": "balance_transaction",
    "list_charges": "charge",
    "list_customer_payment_methods": "payment_method",
    "list_customers": "customer",
    "list_event_deliveries": "delivery",
    "list_events": "event",
    "list_invitations": "invitation",
    "list_ledger_accounts": "ledger_account",
    "list_ledger_checkpoints": "ledger_checkpoint",
    "list_ledger_entries": "ledger_entry",
    "list_ledger_transactions": "ledger_transaction",
    "list_wallet_holds": "hold",
    "list_wallet_top_ups": "top_up",
    "list_wallet_transactions": "wallet_transaction",
    "list_wallet_transfers": "transfer",
    "list_wallets": "wallet",
    "list_payment_intents": "payment_intent",
    "list_payment_methods": "payment_method",
    "list_payouts": "payout",
    "list_refunds": "refund",
    "list_users": "user",
    "list_request_logs": "request_log",
    "list_webhook_endpoint_deliveries": "delivery",
    "list_webhook_endpoints": "webhook_endpoint",
    "list_webhook_replays": "replay",
}
NAMED_BY_ID = {
    "list_event_deliveries": "event",
    "retrieve_audit_entry": "audit_entry",
    "retrieve_balance_transaction": "balance_transaction",
    "retrieve_event": "event",
    "retry_event": "event",
}
# A key has no sessions to list; a person's list is held to the same in tests/people.
OF_PEOPLE = {"list_sessions"}
IN_PATH = [
    pytest.param(operation, name, id=f"{operation.id}-{name}")
    for operation in OPERATIONS.values()
    for name in operation.path_parameters
]
IN_PARAMETERS = [
    pytest.param(operation, one, id=f"{operation.id}-{one.name}")
    for operation in OPERATIONS.values()
    for one in operation.every_input()
    if one.is_id and operation.id not in OF_PEOPLE
]


@pytest.fixture(scope="session")
def foreign(api_server: ApiServer) -> World:
    """The same objects in the account of somebody else."""
    api = Api(api_server.url, api_server.open_account())
    return populate(api, api_server.database_url)


def kind_of(operation: Operation, name: str) -> str:
    if name in ("starting_after", "ending_before"):
        return LISTED[operation.id]
    if name == "id":
        return NAMED_BY_ID[operation.id]
    if operation.id == "create_charge" and name == "source":
        return "payment_method"
    return KINDS.get(name, name)


def absent(known: str) -> str:
    """An id of the same kind and age that nobody has."""
    return known[:-4] + ("zzzz" if not known.endswith("zzzz") else "yyyy")


def assert_same(foreign: Answer, foreign_id: str, absent: Answer, absent_id: str) -> None:
    def seen(answer: Answer, named: str) -> tuple[int, str, set[str]]:
        headers = {name for name in answer.headers if name != "date"}
        return answer.status, answer.content.decode().replace(named, "…"), headers

    assert seen(foreign, foreign_id) == seen(absent, absent_id)


@pytest.mark.parametrize(("operation", "name"), IN_PATH)
@pytest.mark.usefixtures("unchanged")
def test_an_id_of_another_account_in_a_path_answers_as_one_that_does_not_exist(
    world: World, foreign: World, operation: Operation, name: str
) -> None:
    theirs = foreign.ids[kind_of(operation, name)]
    nobodys = absent(theirs)
    taken = {one.name for one in operation.inputs}

    def ask(named: str, more: dict[str, Any]) -> Answer:
        values = {
            one: named if one == name else world.ids[kind_of(operation, one)]
            for one in operation.path_parameters
        }
        path = operation.path.format_map(values)
        return world.api.send(operation.method, path, world.params(operation) | more)

    for more in ({}, {"expand": ["customer"]}, {"metadata": {"a": "b"}}):
        if more.keys() <= taken:
            answers = ask(theirs, more), ask(nobodys, more)
            assert_same(answers[0], theirs, answers[1], nobodys)
            # What has no customer refuses to expand it before it looks for anything.
            if answers[0].error.get("param") != "expand[0]":
                assert answers[0].status == 404
                assert answers[0].error["code"] == "resource_missing"


@pytest.mark.parametrize(("operation", "one"), IN_PARAMETERS)
@pytest.mark.usefixtures("unchanged")
def test_an_id_of_another_account_in_a_parameter_answers_as_one_that_does_not_exist(
    world: World, foreign: World, operation: Operation, one: Parameter
) -> None:
    theirs = foreign.ids[kind_of(operation, one.path[-1])]
    nobodys = absent(theirs)
    answers = []
    for named in (theirs, nobodys):
        params = placed(world.params(operation), operation, one.path, named)
        if operation.id == "create_refund" and one.name == "payment_intent":
            del params["charge"]
        answers.append(world.api.send(operation.method, world.path(operation), params))
    assert_same(answers[0], theirs, answers[1], nobodys)
    if answers[0].status == 200:
        assert answers[0]["data"] == []  # a filter that nothing meets
    else:
        assert answers[0].status == 400
        assert answers[0].error["param"] == one.name


@pytest.mark.parametrize("noun", ["charges", "payment_intents"])
def test_a_search_for_what_another_account_has_finds_nothing(
    world: World, foreign: World, noun: str
) -> None:
    query = f'customer:"{foreign.ids["customer"]}"'
    assert foreign.api.get(f"/v1/{noun}/search", query=query)["data"] != []
    assert world.api.get(f"/v1/{noun}/search", query=query)["data"] == []


def test_a_page_of_another_accounts_search_opens_nothing(world: World, foreign: World) -> None:
    query = "amount>1"
    first = foreign.api.get("/v1/payment_intents/search", query=query, limit=1)
    theirs = {one["id"] for one in foreign.api.get("/v1/payment_intents", limit=100)["data"]}
    mine = world.api.get("/v1/payment_intents/search", query=query, page=first["next_page"])
    assert not theirs & {one["id"] for one in mine["data"]}


def test_a_balance_and_an_account_are_of_the_key_alone(world: World, foreign: World) -> None:
    assert world.api.get("/v1/account")["id"] == world.api.account.account
    before = world.api.get("/v1/balance").content
    foreign.api.pay(7777)
    assert world.api.get("/v1/balance").content == before


@pytest.mark.parametrize("operation_id", LISTED)
def test_a_list_holds_nothing_of_another_account(
    world: World, foreign: World, operation_id: str
) -> None:
    listing = OPERATIONS[operation_id]
    theirs, mine = (
        {item["id"] for item in one.api.get(one.path(listing), limit=100)["data"]}
        for one in (foreign, world)
    )
    assert mine
    assert theirs
    assert not mine & theirs
