"""Whoever runs a server for others, over HTTP: organizations, accounts, keys, usage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from guilder_server.http.contract import Contract
from guilder_server.http.operation import Operation
from tests.support.composed import Composed, composed
from tests.usage.keeping import OPERATOR_KEY, error, on_plan, pay, plans_file

pytestmark = pytest.mark.anyio

OPERATIONS = Contract.load().operations.values()
OF_OPERATOR = [one for one in OPERATIONS if one.permission.startswith("operator:")]
# What a request needs, so that nothing but the key is wrong with it.
NEEDED: dict[str, dict[str, Any]] = {
    "create_operator_organization": {"name": "Brands"},
    "create_operator_key": {"kind": "secret", "livemode": "false"},
}


@dataclass
class Operator:
    server: Composed

    async def post(self, path: str, key: str | None = None, **form: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.send("POST", path, data=form, headers=headers)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.send("GET", path, params=query)

    async def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}"} | how.pop("headers", {})
        response = await self.server.client.request(
            method, f"/v1/operator{path}", headers=headers, **how
        )
        return self.server._held_to_the_contract(response)


@pytest.fixture
async def operator(database_url: str, tmp_path: Path) -> AsyncIterator[Operator]:
    async with on_plan(database_url, tmp_path, None) as server:
        yield Operator(server)


async def _as(server: Composed, key: str, method: str, path: str, **form: Any) -> httpx.Response:
    sent = {"params": form} if method == "GET" else {"data": form}
    headers = {"Authorization": f"Bearer {key}"}
    return await server.client.request(method, path, headers=headers, **sent)


async def test_an_organization_with_its_accounts_and_their_keys(operator: Operator) -> None:
    server = operator.server
    made = (await operator.post("/organizations", name="Brands", **{"metadata[a]": "b"})).json()
    assert (made["object"], made["name"], made["metadata"]) == (
        *("organization", "Brands"),
        {"a": "b"},
    )
    assert (await operator.get(f"/organizations/{made['id']}")).json() == made
    assert made in (await operator.get("/organizations", limit=2)).json()["data"]
    account = (
        await operator.post(
            *("/accounts",),
            organization=made["id"],
            name="Shoes",
            country="nl",
            default_currency="EUR",
            email="shoes@example.com",
            plan="small",
        )
    ).json()
    assert {name: account[name] for name in account.keys() - {"id", "created"}} == {
        "object": "operator.account",
        "country": "NL",
        "default_currency": "eur",
        "email": "shoes@example.com",
        "metadata": {},
        "name": "Shoes",
        "organization": made["id"],
        "plan": "small",
        "status": "active",
    }
    listed = (await operator.get("/accounts", organization=made["id"])).json()
    assert listed["data"] == [account]
    assert (await operator.get(f"/accounts/{account['id']}")).json() == account
    keys = [
        await operator.post(f"/accounts/{account['id']}/keys", kind="secret", livemode=mode)
        for mode in ("false", "true")
    ]
    test, live = (one.json() for one in keys)
    assert (test["livemode"], live["livemode"]) == (False, True)
    assert test["key"].startswith("sk_test_gld")
    # Both sides were made with the account: a key of each finds its own.
    shown = await _as(server, test["key"], "GET", "/v1/account")
    assert shown.json()["id"] == account["id"]
    paid = await pay_as(server, test["key"])
    assert paid.status_code == 200
    usage = (await operator.get(f"/accounts/{account['id']}/usage")).json()
    assert (usage["organization"], usage["plan"], usage["hard"]) == (made["id"], "small", True)
    assert usage["test"][0] == {"meter": "payments", "used": 1, "limit": 3}
    assert usage["live"][0]["used"] == 0
    everyone = (await operator.get("/usage")).json()
    assert usage in everyone["data"]
    assert len(everyone["data"]) == 2
    only = (await operator.get("/usage", organization=made["id"], month="2026-11")).json()
    assert only["data"] == [usage]


async def pay_as(server: Composed, key: str) -> httpx.Response:
    form = {"amount": 2000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}
    return await _as(server, key, "POST", "/v1/payment_intents", **form)


async def test_a_key_is_shown_once_rolled_and_revoked(operator: Operator) -> None:
    keys = f"/accounts/{operator.server.account.account}/keys"
    made = (
        await operator.post(
            keys,
            kind="restricted",
            livemode="false",
            name="till",
            expires_in_s=3600,
            **{"permissions[]": "customers:read"},
        )
    ).json()
    assert (made["permissions"], made["status"]) == (["customers:read"], "active")
    assert made["expires_at"] - made["created"] == 3600
    rolled = (await operator.post(f"{keys}/{made['id']}/roll", overlap_s=60)).json()
    assert rolled["replaces"] == made["id"]
    assert rolled["key"] != made["key"]
    twice = await operator.post(f"{keys}/{made['id']}/roll")
    assert error(twice)["code"] == "status_transition_invalid"
    revoked = (await operator.post(f"{keys}/{rolled['id']}/revoke")).json()
    assert revoked["status"] == "revoked"
    listed = (await operator.get(keys)).json()["data"]
    assert [one["id"] for one in listed][:2] == [rolled["id"], made["id"]]
    assert all("key" not in one for one in listed)
    first = (await operator.get(keys, limit=1)).json()
    assert first["has_more"]
    after = (await operator.get(keys, starting_after=rolled["id"])).json()["data"]
    assert after == listed[1:]
    before = (await operator.get(keys, ending_before=made["id"])).json()["data"]
    assert before == listed[:1]


async def test_a_key_of_another_account_is_as_one_that_is_not_there(operator: Operator) -> None:
    made = (await operator.post("/accounts")).json()["id"]
    ours = f"/accounts/{operator.server.account.account}/keys"
    (key,) = (await operator.get(ours, limit=1)).json()["data"]
    for id in (key["id"], "key_none"):
        answer = await operator.post(f"/accounts/{made}/keys/{id}/revoke")
        assert (answer.status_code, error(answer)["message"]) == (404, f"No such API key: '{id}'")


async def test_the_same_wish_opens_one_account_and_makes_one_key(operator: Operator) -> None:
    opened = await asyncio.gather(
        *(operator.post("/accounts", "one account", name="Shoes") for _ in range(5))
    )
    assert len({answer.content for answer in opened if answer.status_code == 200}) == 1
    again = await operator.post("/accounts", "one account", name="Shoes")
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await operator.get("/accounts", limit=100)).json()["data"]) == 2
    keys = f"/accounts/{again.json()['id']}/keys"
    made = [await operator.post(keys, "one key", kind="secret", livemode="true") for _ in range(3)]
    assert len({answer.json()["key"] for answer in made}) == 1
    assert len((await operator.get(keys)).json()["data"]) == 1
    # The answer holds the key, and is kept under seal.
    with psycopg.connect(operator.server.database_url) as connection:
        kept = connection.execute(
            "SELECT response FROM idempotency_keys WHERE tenant_id = 0 AND key = 'one key'"
        ).fetchone()
    assert kept is not None
    assert made[0].json()["key"].encode() not in kept[0]


async def test_a_suspended_account_is_refused_and_keeps_its_data(operator: Operator) -> None:
    server, account = operator.server, operator.server.account.account
    paid = (await pay(server)).json()["id"]
    suspended = (await operator.post(f"/accounts/{account}/suspend")).json()
    assert suspended["status"] == "suspended"
    async with composed(server.database_url, server.gateway, server.account) as fresh:
        refused = await fresh.get(f"/v1/payment_intents/{paid}")
        assert (refused.status_code, error(refused)["code"]) == (403, "account_suspended")
    assert (await operator.post(f"/accounts/{account}/resume")).json()["status"] == "active"
    async with composed(server.database_url, server.gateway, server.account) as fresh:
        assert (await fresh.get(f"/v1/payment_intents/{paid}")).json()["id"] == paid
    assert (await operator.post(f"/accounts/{account}/close")).json()["status"] == "closed"
    for act in ("resume", "suspend"):
        refused = await operator.post(f"/accounts/{account}/{act}")
        assert error(refused)["code"] == "status_transition_invalid"
    made = await operator.post(f"/accounts/{account}/keys", kind="secret", livemode="true")
    assert error(made)["code"] == "status_transition_invalid"


async def test_a_plan_counts_at_once(operator: Operator) -> None:
    account = operator.server.account.account
    for _ in range(4):
        assert (await pay(operator.server)).status_code == 200
    changed = await operator.post(f"/accounts/{account}", plan="small")
    assert changed.json()["plan"] == "small"
    assert (await pay(operator.server)).status_code == 403
    wrong = await operator.post(f"/accounts/{account}", plan="smal")
    assert error(wrong)["param"] == "plan"
    assert "There are: calls, free, small, soft, ten, tight." in error(wrong)["message"]
    assert (await operator.post(f"/accounts/{account}", plan="")).json()["plan"] is None
    assert (await pay(operator.server)).status_code == 200


@pytest.mark.parametrize("operation", OF_OPERATOR, ids=lambda one: one.id)
async def test_no_account_may_what_the_operator_may(
    operator: Operator, operation: Operation
) -> None:
    server = operator.server
    path = operation.path.format(account=server.account.account, organization="o", key="k")
    form = NEEDED.get(operation.id, {})
    refused = await _as(server, server.account.secret_key, operation.method, path, **form)
    assert refused.status_code == 403
    assert f"'{operation.permission}'" in error(refused)["message"]
    assert "GUILDER_OPERATOR_KEY" in error(refused)["message"]


async def test_the_operator_may_nothing_that_an_account_may(operator: Operator) -> None:
    for operation in OPERATIONS:
        if operation in OF_OPERATOR:
            continue
        path = operation.path.format_map(_AnyId())
        refused = await _as(operator.server, OPERATOR_KEY, operation.method, path)
        assert refused.status_code == 403, operation.id
        assert f"'{operation.permission}'" in error(refused)["message"]


class _AnyId(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "an_id"


@pytest.mark.parametrize("token", [OPERATOR_KEY[:-1], f"{OPERATOR_KEY}x", "x" * 40])
async def test_another_word_is_no_operators_key(operator: Operator, token: str) -> None:
    refused = await _as(operator.server, token, "GET", "/v1/operator/accounts")
    assert refused.status_code == 401


async def test_without_the_setting_nobody_is_the_operator(database_url: str) -> None:
    async with composed(database_url) as server:
        refused = await _as(server, OPERATOR_KEY, "GET", "/v1/operator/accounts")
        assert refused.status_code == 401
        refused = await server.get("/v1/operator/accounts")
        assert refused.status_code == 403
        assert "where it is not set, nobody is" in error(refused)["message"]


async def test_what_cannot_be_is_refused_and_changes_nothing(operator: Operator) -> None:
    account = operator.server.account.account
    wrong: list[tuple[str, dict[str, Any], str | None]] = [
        ("/accounts", {"organization": "org_none"}, "organization"),
        ("/accounts", {"country": "XX"}, "country"),
        ("/accounts", {"default_currency": "xxx"}, "currency"),
        ("/accounts", {"plan": "gold"}, "plan"),
        ("/accounts", {"email": "nobody"}, "email"),
        ("/organizations", {}, "name"),
        (f"/accounts/{account}/keys", {"kind": "restricted", "livemode": "true"}, "permissions"),
        (f"/accounts/{account}/keys", {"kind": "secret"}, "livemode"),
        ("/accounts/acct_none/keys", {"kind": "secret", "livemode": "true"}, None),
        ("/accounts/acct_none/suspend", {}, None),
    ]
    before = (await operator.get("/accounts")).json(), (await operator.get("/organizations")).json()
    for path, form, param in wrong:
        answer = await operator.post(path, **form)
        assert answer.status_code in (400, 404), path
        assert error(answer).get("param") == param, path
    after = (await operator.get("/accounts")).json(), (await operator.get("/organizations")).json()
    assert before == after


async def test_a_plan_is_known_to_every_process_within_seconds(
    database_url: str, tmp_path: Path
) -> None:
    """What limits how fast an account may ask reads it from the key."""
    async with composed(database_url, plans=plans_file(tmp_path)) as server:
        find = server.server.app._keyring.find
        found = await find(server.account.secret_key)
        assert found is not None
        assert found.plan is None
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE accounts SET plan = 'ten'")
        # Five seconds pass, as far as what was found out about keys can tell.
        records = server.server.app._keyring._keyring._keys._keyring._records
        records._elapsed = lambda: timedelta(days=30_000).total_seconds()
        found = await find(server.account.secret_key)
        assert found is not None
        assert found.plan == "ten"
