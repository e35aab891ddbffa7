"""The request log as its readers meet it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.postgres import snapshots
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.request_logs.infra.store import PostgresRequestLogs
from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.contract import OPERATIONS, nested
from tests.support.processes import eventually
from tests.support.world import populate

LOGS = "/v1/request_logs"


def log_of(api: Api, answer: Answer) -> Any:
    """What the log says of a request that was answered."""
    path = f"{LOGS}/{answer.headers['request-id']}"
    assert eventually(lambda: api.get(path).status == 200)
    return api.get(path).body


def test_a_payment_is_logged_with_what_was_asked_and_answered(api: Api) -> None:
    key, before = unique(), int(time.time())
    paid = api.post(
        "/v1/payment_intents",
        key=key,
        amount=2000,
        currency="usd",
        confirm=True,
        payment_method="pm_card_visa",
        metadata={"order": "1001"},
    )
    found = log_of(api, paid)
    assert found["parameters"]["amount"] == 2000
    assert found["parameters"]["metadata"] == {"order": "1001"}
    assert found["response"]["id"] == paid["id"]
    assert found["response"]["client_secret"] == "[redacted]"
    assert (found["method"], found["path"]) == ("POST", "/v1/payment_intents")
    assert found["operation"] == "create_payment_intent"
    assert (found["status"], found["error_code"]) == (200, None)
    assert found["idempotency_key"] == key
    assert found["actor"]["type"] == "api_key"
    assert found["ip_address"] == "127.0.0.1"
    assert before - 1 <= found["created"] <= time.time()
    assert 0 <= found["latency_ms"] < 30_000
    assert found["livemode"] is False
    assert found["truncated"] is False


def test_what_is_read_is_logged_without_the_answer(api: Api) -> None:
    found = log_of(api, api.get("/v1/customers", limit=3, email="ada@example.com"))
    assert found["parameters"] == {"limit": 3, "email": "ada@example.com"}
    assert found["response"] is None
    assert found["path"] == "/v1/customers"


def test_a_refusal_says_why(api: Api) -> None:
    declined = api.pay(payment_method="pm_card_chargeDeclined")
    assert log_of(api, declined)["error_code"] == "card_declined"
    unknown = api.post("/v1/customers", nonsense="4242424242424242")
    found = log_of(api, unknown)
    assert found["parameters"] == {"nonsense": "[redacted]"}
    assert found["response"]["error"]["param"] == "nonsense"
    absent = api.get("/v1/customers/cus_none")
    assert log_of(api, absent)["status"] == 404


def test_a_refusal_before_anything_was_read_is_logged_too(api: Api) -> None:
    publishable = api.account.publishable_key
    refused = api.send("POST", "/v1/refunds", {"charge": "ch_1"}, secret=publishable)
    assert refused.status in (401, 403)
    found = log_of(api, refused)
    assert found["parameters"] is None
    assert found["status"] == refused.status


def test_a_statement_in_pieces_is_logged_when_it_ends(api: Api) -> None:
    wallet = api.post("/v1/wallets", currency="usd")["id"]
    answer = api.get(
        f"/v1/wallets/{wallet}/statement", interval_start=0, interval_end=4_000_000_000
    )
    found = log_of(api, answer)
    assert (found["status"], found["response"]) == (200, None)


def test_lists_are_newest_first_and_filtered(api: Api) -> None:
    key = unique()
    first = api.post("/v1/customers", key=key, name="Ada")
    second = api.get("/v1/balance")
    third = api.get("/v1/customers/cus_none")
    log_of(api, third)
    ids = [one.headers["request-id"] for one in (third, second, first)]
    listed = [one["id"] for one in api.get(LOGS, limit=100)["data"]]
    assert [id for id in listed if id in ids] == ids

    def found(**wanted: Any) -> set[str]:
        page = api.send("GET", LOGS, {"limit": 100, **wanted})
        return {one["id"] for one in page["data"]} & set(ids)

    assert found(status=404) == {ids[0]}
    assert found(path="/v1/balance") == {ids[1]}
    assert found(method="POST") == {ids[2]}
    assert found(idempotency_key=key) == {ids[2]}
    actor = log_of(api, first)["actor"]["id"]
    assert found(actor=actor) == set(ids)
    assert found(actor="mk_nobody") == set()
    assert found(created={"gte": int(time.time()) + 60}) == set()
    assert found(created={"gte": int(time.time()) - 600}) == set(ids)
    assert found(starting_after=ids[0]) == {ids[1], ids[2]}
    assert api.get(LOGS, starting_after="req_none").error["param"] == "starting_after"


def test_another_accounts_request_is_as_one_that_does_not_exist(api: Api, other_api: Api) -> None:
    theirs = other_api.get("/v1/balance")
    log_of(other_api, theirs)
    id = theirs.headers["request-id"]
    answers = [api.get(f"{LOGS}/{one}") for one in (id, id[:-3] + "zzz")]
    assert [answer.status for answer in answers] == [404, 404]
    texts = [answer.content.decode().replace(id[:-3], "") for answer in answers]
    assert texts[0].replace(id[-3:], "zzz") == texts[1]


def test_a_publishable_key_cannot_read_it(api: Api) -> None:
    refused = api.send("GET", LOGS, {}, secret=api.account.publishable_key)
    assert refused.status in (401, 403)


CARD, CVC, WORD = "4000056655665556", "cvc-canary-93", "correct-horse-canary"


def test_no_secret_of_any_operation_is_in_the_log(api_server: ApiServer) -> None:
    """Each is sent wherever the contract takes a text, and where it takes nothing."""
    api = Api(api_server.url, api_server.open_account())
    world = populate(api, api_server.database_url)
    secrets = {CARD, "4000 0566 5566 5556", CVC, WORD, api.key, api.account.publishable_key}
    secrets |= set(world.client_secrets.values())
    endpoint = api.post(
        "/v1/webhook_endpoints", url="https://8.8.8.8/x", enabled_events=["charge.succeeded"]
    )
    secrets.add(endpoint["secret"])
    last: Answer = endpoint
    for operation in OPERATIONS.values():
        texts = [one for one in operation.new_inputs() if "string" in one.kinds()]
        planted: list[dict[str, Any]] = [
            world.params(operation),
            {"password": WORD, "card": {"number": CARD, "cvc": CVC}, CARD: "1", "apiKey": api.key},
            {"metadata": {"card": "4000 0566 5566 5556", "secret": WORD, "note": api.key}},
            *(nested(one.path, secret) for one in texts[:12] for secret in (CARD, api.key)),
        ]
        for params in planted:
            key = f"{CARD}-{unique()}" if operation.method == "POST" else None
            headers = {"Idempotency-Key": key} if key else {}
            last = api.send(operation.method, world.path(operation), params, headers=headers)
    card = {"number": CARD, "cvc": CVC, "exp_month": 8, "exp_year": 2030}
    api.post("/v1/payment_methods", type="card", card=card)
    api.get(f"/v1/customers/{api.key}", expand=[CARD])
    last = api.get(f"/v1/charges/{CARD}")
    log_of(api, last)
    kept = _everything(api_server.database_url, api.account.tenant_id)
    assert len(kept) > 300
    for row in kept:
        for secret in secrets:
            assert secret not in row, row


def _everything(database_url: str, tenant: int) -> list[str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT * FROM request_logs WHERE tenant_id = %s", [tenant])
        return [
            " ".join(
                snapshots.unpack(value).decode() if isinstance(value, bytes) else str(value)
                for value in row
            )
            for row in rows
        ]


@pytest.mark.anyio
async def test_what_is_older_than_it_is_kept_for_is_forgotten(database_url: str) -> None:
    pool = Pool(database_url)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    await pool.open()
    try:
        async with pool.jobs.query() as connection:
            await connection.execute(
                "INSERT INTO request_logs (tenant_id, id, created, method, path, operation, status,"
                " latency_ms, actor_kind, actor_id, content) SELECT 1, 'req_' || n, %s::timestamptz"
                " - n * interval '1 hour', 'GET', '/', 'x', 200, 1, 'api_key', 'k', ''"
                " FROM generate_series(1, 15000) n",
                [now],
            )
            logs = PostgresRequestLogs(pool, MergedReads(pool))
            assert await logs.forget(now - timedelta(days=30)) == 15_000 - 720
            left = await (await connection.execute("SELECT count(*) FROM request_logs")).fetchone()
            assert left == (720,)
    finally:
        await pool.close()
