"""The application as a client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from guilder_server import logs
from guilder_server.http.app import LARGEST_BODY, LARGEST_URL, App, read_body
from guilder_server.http.call import Call
from guilder_server.http.errors import HttpRefusal
from guilder_server.http.lists import list_query
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import NotFound, Unavailable
from guilder_server.kernel.steps import Done, Page, Step, Tombstone
from tests.http import small
from tests.http.small import Customer, Memory, Payment

pytestmark = pytest.mark.anyio


class Api:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.calls: list[Call] = []

    async def list_payments(self, call: Call) -> Page:
        list_query(call)
        return Page([Payment("pay_1", 5)], has_more=False)

    async def create_payment(self, call: Call) -> Step:
        self.calls.append(call)
        if call.params.get("description") == "fault":
            raise ZeroDivisionError("secret detail")
        if call.params.get("description") == "lost":
            raise Unavailable("The database did not answer.")
        changes = Changes(call.tenant)
        return Done(changes.add(Payment(f"pay_{len(self.calls)}", call.params["amount"])), changes)

    async def search_payments(self, call: Call) -> Page:
        return Page([], has_more=False)

    async def retrieve_payment(self, call: Call) -> object:
        found = await self._memory.load(call.tenant, call.path["payment"])
        if found is None:
            raise NotFound("payment", call.path["payment"], "payment")
        return found

    async def retrieve_customer(self, call: Call) -> Customer:
        return Customer(call.path["customer"])

    async def update_customer(self, call: Call) -> Step:
        return Done(Customer(call.path["customer"], call.params.get("name")), Changes(call.tenant))

    async def delete_customer(self, call: Call) -> Step:
        self.calls.append(call)
        return Done(Tombstone(call.path["customer"], "customer"), Changes(call.tenant))

    async def list_customer_payments(self, call: Call) -> Page:
        return Page([], has_more=False)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def api(memory: Memory) -> Api:
    return Api(memory)


@pytest.fixture
def app(memory: Memory, api: Api) -> App:
    return small.app(memory, api)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://guilder",
        headers={"Authorization": "Bearer sk_test_one"},
    ) as client:
        yield client


PAY = {"amount": "5", "currency": "usd"}


async def test_an_answer_has_its_headers(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/payments", data=PAY, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    assert answer.json()["amount"] == 5
    headers = answer.headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["request-id"].startswith("req_")
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert headers["guilder-version"] == "0.1.0"
    assert headers["idempotency-key"] == "k"
    assert headers["access-control-allow-origin"] == "*"
    assert "idempotent-replayed" not in headers
    again = await client.post("/v1/payments", data=PAY, headers={"Idempotency-Key": "k"})
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["request-id"] != headers["request-id"]


async def test_form_and_json_say_the_same(client: httpx.AsyncClient, api: Api) -> None:
    await client.post("/v1/payments", data={**PAY, "metadata[a]": "b", "confirm": "true"})
    asked = {"amount": 5, "currency": "usd", "metadata": {"a": "b"}, "confirm": True}
    await client.post("/v1/payments", json=asked)
    assert api.calls[0].params == api.calls[1].params == asked


async def test_expand_is_taken_out_of_the_parameters(client: httpx.AsyncClient, api: Api) -> None:
    await client.post("/v1/payments", data={**PAY, "expand[]": "customer"})
    assert api.calls[0].expand == ("customer",)
    assert "expand" not in api.calls[0].params
    answer = await client.get("/v1/payments?expand[]=data.customer")
    assert answer.json()["data"][0]["customer"] is None


async def test_lists_name_their_url(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/payments?limit=3")).json()["url"] == "/v1/payments"
    answer = await client.get("/v1/customers/cus_1/payments")
    assert answer.json()["url"] == "/v1/customers/cus_1/payments"
    answer = await client.get("/v1/payments/search", params={"query": "a"})
    assert answer.json()["object"] == "search_result"


async def test_a_key_means_nothing_to_a_deletion(client: httpx.AsyncClient, api: Api) -> None:
    answer = await client.delete("/v1/customers/cus_1", headers={"Idempotency-Key": "k"})
    assert answer.json() == {"id": "cus_1", "object": "customer", "deleted": True}
    assert "idempotency-key" not in answer.headers
    assert api.calls[0].idempotency_key is None


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "message"),
    [
        ("GET", "/v1/nothing", {}, 404, "There is no such URL: /v1/nothing (GET)."),
        ("PUT", "/v1/payments", {}, 405, "/v1/payments cannot be asked for with PUT;"),
        ("GET", "/v1/payments/pay_9", {}, 404, "No such payment: 'pay_9'"),
        ("GET", "/v1/payments?limit=x", {}, 400, "Invalid integer: x"),
        ("GET", "/v1/payments?limit=%zz", {}, 400, "The request could not be read"),
        (
            "GET",
            "/v1/payments?starting_after=a&ending_before=b",
            {},
            400,
            "Send starting_after or ending_before, not both",
        ),
        ("GET", "/v1/payments", {"content": b"limit=3"}, 400, "A GET request takes its parameters"),
        ("POST", "/v1/payments", {"content": b"amount=5"}, 415, "The Content-Type is missing"),
        ("POST", "/v1/payments?amount=5", {"json": {"currency": "usd"}}, 400, "With a JSON body"),
        ("POST", "/v1/payments?amount=5", {"data": PAY}, 400, "The request could not be read"),
        ("POST", "/v1/payments", {"data": {"amount": "5"}}, 400, "Missing required param: curr"),
        ("GET", "/v1/payments?a=" + "x" * LARGEST_URL, {}, 414, "The URL is longer"),
    ],
)
async def test_a_refusal_is_an_envelope(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    sent: dict[str, Any],
    status: int,
    message: str,
) -> None:
    answer = await client.request(method, path, **sent)
    assert answer.status_code == status
    told = answer.json()["error"]
    assert told["type"] == "invalid_request_error"
    assert told["message"].startswith(message)
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Authorization": ""}, 401, "There is no API key in this request."),
        ({"Authorization": "Bearer sk_test_two"}, 401, "There is no such API key: sk_test_****"),
        ({"Authorization": "Bearer pk_test_one"}, 403, "A publishable key may not ask for this."),
        ({"Stripe-Account": "acct_two"}, 403, "The provided key does not have access to account"),
        ({"Stripe-Version": "yesterday"}, 400, "Invalid Stripe-Version"),
        ({f"X-{number}": "" for number in range(101)}, 431, "There are more than 100 headers."),
        ({"X-Large": "x" * (17 << 10)}, 431, "The headers are larger than"),
    ],
)
async def test_headers_can_be_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, message: str
) -> None:
    answer = await client.get("/v1/payments", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)


async def test_a_header_that_matters_is_sent_once(client: httpx.AsyncClient) -> None:
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post("/v1/payments", data=PAY, headers=twice)
    assert answer.status_code == 400
    assert "more than once" in answer.json()["error"]["message"]


async def test_the_own_account_may_be_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/payments", headers={"Stripe-Account": "acct_one"})
    assert answer.status_code == 200
    assert answer.headers["stripe-account"] == "acct_one"


async def test_an_unauthenticated_caller_is_told_the_scheme(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/payments", headers={"Authorization": ""})
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient) -> None:
    for method in ("HEAD", "PATCH", "DELETE"):
        answer = await client.request(method, "/v1/payments")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_fault_is_logged_and_not_told(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    card = {"card[number]": "4242424242424242"}
    answer = await client.post("/v1/payments", data={**PAY, **card, "description": "fault"})
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "api_error"
    assert "secret detail" not in answer.text
    logged = capsys.readouterr().err
    assert answer.headers["request-id"] in logged
    assert "ZeroDivisionError" in logged
    assert "4242424242424242" not in logged


async def test_a_lost_commit_may_be_repeated_under_its_key(client: httpx.AsyncClient) -> None:
    lost = {**PAY, "description": "lost"}
    answer = await client.post("/v1/payments", data=lost, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["stripe-should-retry"]) == (503, "true")
    answer = await client.post("/v1/payments", data=lost)
    assert (answer.status_code, answer.headers["stripe-should-retry"]) == (503, "false")


async def test_a_browser_may_ask_for_what_a_publishable_key_may(client: httpx.AsyncClient) -> None:
    answer = await client.options("/v1/payments", headers={"Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    answer = await client.options("/v1/customers/cus_1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, POST")


async def test_a_publishable_key_may_create(client: httpx.AsyncClient) -> None:
    headers = {"Authorization": "Bearer pk_test_one"}
    answer = await client.post("/v1/payments", data=PAY, headers=headers)
    assert answer.status_code == 200


async def test_a_body_past_the_limit_is_not_read(client: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    large = b"a=" + b"x" * LARGEST_BODY
    answer = await client.post("/v1/payments", content=large, headers=form)
    assert answer.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (LARGEST_BODY // 2)

    answer = await client.post("/v1/payments", content=pieces(), headers=form)
    assert answer.status_code == 413
    largest = b"description=" + b"x" * (LARGEST_BODY - 12)
    answer = await client.post("/v1/payments", content=largest, headers=form)
    assert answer.json()["error"]["code"] == "parameter_missing"


@pytest.mark.parametrize("declared", [b"-1", b"x", b"", b"1" * 30])
async def test_a_length_that_is_none_is_refused(declared: bytes) -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError

    with pytest.raises(HttpRefusal):
        await read_body(never, declared)


async def test_a_caller_that_goes_away_is_not_answered(app: App) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/payments",
        "raw_path": b"/v1/payments",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer sk_test_one")],
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    assert sent == []
