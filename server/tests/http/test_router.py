"""From a method and a path to an operation."""

from __future__ import annotations

from typing import Any

import pytest

from guilder_server.http.contract import Contract, ContractBroken
from guilder_server.http.errors import HttpRefusal
from guilder_server.http.router import Router
from guilder_server.kernel.errors import NotFound
from tests.http.small import CONTRACT, DOCUMENT


async def _nothing(call: object) -> object:
    return None


ROUTER = Router([(one, _nothing) for one in CONTRACT.operations.values()], CONTRACT.nouns)


@pytest.mark.parametrize(
    ("method", "path", "operation", "parameters"),
    [
        ("GET", b"/v1/payments", "list_payments", {}),
        ("POST", b"/v1/payments", "create_payment", {}),
        ("GET", b"/v1/payments/pay_1", "retrieve_payment", {"payment": "pay_1"}),
        ("GET", b"/v1/payments/search", "search_payments", {}),
        ("GET", b"/v1/payments/searches", "retrieve_payment", {"payment": "searches"}),
        ("DELETE", b"/v1/customers/cus_1", "delete_customer", {"customer": "cus_1"}),
        ("GET", b"/v1/customers/a%20b%2Fc", "retrieve_customer", {"customer": "a b/c"}),
        ("GET", b"/v1/customers/%C3%A9", "retrieve_customer", {"customer": "é"}),
        ("GET", b"/v1/customers/c/payments", "list_customer_payments", {"customer": "c"}),
    ],
)
def test_a_path_leads_to_its_operation(
    method: str, path: bytes, operation: str, parameters: dict[str, str]
) -> None:
    route, found = ROUTER.find(method, path)
    assert (route.operation.id, found) == (operation, parameters)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"",
        b"*",
        b"/v1",
        b"/v1/payments/",
        b"//v1/payments",
        b"/v1//payments",
        b"/v1/payment",
        b"/V1/payments",
        b"/v1/customers//payments",
        b"/v1/customers/c/payments/x",
        b"/v1/customers/%ff",
        b"/v1/customers/\xff",
        b"/x" * 100,
    ],
)
def test_an_unknown_path_is_not_found(path: bytes) -> None:
    with pytest.raises(HttpRefusal) as refused:
        ROUTER.find("GET", path)
    assert refused.value.status == 404
    assert refused.value.message.startswith("There is no such URL: ")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", b"/v1/payments", b"GET, POST"),
        ("POST", b"/v1/payments/search", b"GET"),
        ("PUT", b"/v1/customers/c", b"DELETE, GET, POST"),
        ("HEAD", b"/v1/payments", b"GET, POST"),
        ("OPTIONS", b"/v1/customers/c", b"DELETE, GET, POST"),
        ("FROB", b"/v1/payments/p", b"GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: bytes, allowed: bytes) -> None:
    with pytest.raises(HttpRefusal) as refused:
        ROUTER.find(method, path)
    assert refused.value.status == 405
    assert refused.value.headers == ((b"allow", allowed),)


@pytest.mark.parametrize("path", [b"/v1/customers/" + b"x" * 256, b"/v1/customers/a%00b"])
def test_an_id_that_cannot_exist_does_not(path: bytes) -> None:
    with pytest.raises(NotFound, match="No such customer: "):
        ROUTER.find("GET", path)


def test_a_browser_may_use_what_a_publishable_key_may() -> None:
    assert ROUTER.browser_methods(b"/v1/payments") == ["POST"]
    assert ROUTER.browser_methods(b"/v1/payments/p") == []
    assert ROUTER.browser_methods(b"/nowhere") == []


class _Payments:
    async def list_payments(self, call: object) -> object: ...
    async def create_payment(self, call: object) -> object: ...
    async def search_payments(self, call: object) -> object: ...
    async def retrieve_payment(self, call: object) -> object: ...
    async def _helps(self) -> object: ...
    def counts(self) -> int:
        return 0


class _Customers:
    async def retrieve_customer(self, call: object) -> object: ...
    async def update_customer(self, call: object) -> object: ...
    async def delete_customer(self, call: object) -> object: ...
    async def list_customer_payments(self, call: object) -> object: ...


class _More:
    async def create_payment(self, call: object) -> object: ...
    async def erase_payment(self, call: object) -> object: ...


def test_every_operation_needs_a_handler_and_every_handler_an_operation() -> None:
    CONTRACT.bind([_Payments(), _Customers()])
    with pytest.raises(ContractBroken) as broken:
        CONTRACT.bind([_Payments(), _More()])
    assert str(broken.value) == (
        "handler create_payment exists twice; "
        "operation delete_customer has no handler; "
        "operation list_customer_payments has no handler; "
        "operation retrieve_customer has no handler; "
        "operation update_customer has no handler; "
        "handler erase_payment has no operation"
    )


@pytest.mark.parametrize("word", ["operationId", "x-permission"])
def test_an_operation_must_be_complete(word: str) -> None:
    operation: dict[str, Any] = dict(DOCUMENT["paths"]["/v1/payments"]["get"])
    del operation[word]
    with pytest.raises(ContractBroken, match=word):
        Contract({**DOCUMENT, "paths": {"/v1/payments": {"get": operation}}})


def test_the_contract_of_the_server_compiles() -> None:
    contract = Contract.load()
    create = contract.operations["create_payment_intent"]
    assert (create.method, create.path) == ("POST", "/v1/payment_intents")
    assert create.noun == "payment_intent"
    assert contract.operations["search_charges"].listed_as == "search_result"
    assert contract.operations["list_customer_payment_methods"].noun == "payment_method"
