"""What the operator does to accounts over HTTP stands in two trails: the operator's and theirs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guilder_server.postgres.signing import is_signed
from tests.support.chained import audited
from tests.support.operators import Operator as CommandLine
from tests.support.operators import operator_of
from tests.tenancy.test_operator_api import Operator, _as
from tests.usage.keeping import on_plan

pytestmark = pytest.mark.anyio


@pytest.fixture
async def operator(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Operator]:
    async with on_plan(fresh_database_url, tmp_path, None, mode="live") as server:
        yield Operator(server)


@pytest.fixture
def command_line(fresh_database_url: str) -> CommandLine:
    return operator_of(fresh_database_url)


async def _trail(operator: Operator, key: str) -> list[dict[str, Any]]:
    """What the operator did to the account of this key, as its people can read it, oldest first."""
    answer = await _as(
        operator.server, key, "GET", "/v1/audit_entries", limit="100", actor="operator_key"
    )
    return [one for one in answer.json()["data"][::-1] if "operator" in one["action"]]


async def _key(operator: Operator, account: str, livemode: bool = False) -> str:
    mode = str(livemode).lower()
    made = await operator.post(f"/accounts/{account}/keys", kind="secret", livemode=mode)
    return str(made.json()["key"])


def _exported(command_line: CommandLine, file: Path) -> list[dict[str, Any]]:
    said = command_line("audit", "export", "--operator", "--output", str(file))
    assert (said.status, said.err) == (0, "")
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_what_changes_an_account_stands_in_its_trail_in_both_modes(
    operator: Operator,
) -> None:
    account = operator.server.account
    for path, form in (
        ("", {"plan": "small"}),
        ("", {"plan": "small"}),
        ("/suspend", {}),
        ("/resume", {}),
    ):
        answer = await operator.post(f"/accounts/{account.account}{path}", **form)
        assert answer.status_code == 200
    test = await _trail(operator, account.secret_key)
    live = await _trail(operator, await _key(operator, account.account, livemode=True))
    assert [(one["action"], one["changes"]) for one in test] == [
        (
            action,
            [{"object": "account", "id": account.account, "before": before, "after": after}],
        )
        for action, before, after in (
            ("update_operator_account", {"plan": None}, {"plan": "small"}),
            ("suspend_operator_account", {"status": "active"}, {"status": "suspended"}),
            ("resume_operator_account", {"status": "suspended"}, {"status": "active"}),
        )
    ]
    assert [one["id"] for one in live] == [one["id"] for one in test]
    for one in test:
        assert (one["actor"]["type"], one["actor"]["id"]) == ("operator", "operator_key")
        assert one["request"].startswith("req_")


async def test_an_account_begins_its_trail_with_how_it_was_opened(operator: Operator) -> None:
    names = [f"shop {number}" for number in range(5)]
    made = await asyncio.gather(*(operator.post("/accounts", name, name=name) for name in names))
    again = await operator.post("/accounts", names[0], name=names[0])
    assert again.headers["idempotent-replayed"] == "true"
    for name, answer in zip(names, made, strict=True):
        account = answer.json()["id"]
        for livemode in (False, True):
            key = await _key(operator, account, livemode)
            [opened] = await _trail(operator, key)
            [change] = opened["changes"]
            assert opened["action"] == "create_operator_account"
            assert (change["object"], change["id"], change["before"]) == ("account", account, None)
            assert change["after"]["name"] == name
            assert (await _as(operator.server, key, "GET", "/v1/account")).json()["id"] == account


async def test_what_is_refused_stands_in_no_trail(operator: Operator) -> None:
    account = operator.server.account.account
    assert (await operator.post(f"/accounts/{account}", plan="gold")).status_code == 400
    assert (await operator.post(f"/accounts/{account}/close", key="once")).status_code == 200
    # Of two who want it at once the second finds it done.
    await asyncio.gather(*(operator.post(f"/accounts/{account}/close") for _ in range(4)))
    assert (await operator.post(f"/accounts/{account}/resume")).status_code == 400
    with psycopg.connect(operator.server.database_url) as connection:
        rows = connection.execute(
            "SELECT t.livemode, count(*) FROM audit_blocks b JOIN tenants t ON t.id = b.tenant_id "
            "WHERE t.account_id = %s AND b.id IN (SELECT max(id) FROM audit_blocks "
            "WHERE tenant_id <> 0) GROUP BY 1 ORDER BY 1",
            [account],
        ).fetchall()
    assert rows == [(False, 1), (True, 1)]


async def test_the_operators_own_trail_is_chained_signed_verified_and_exported(
    operator: Operator, command_line: CommandLine, tmp_path: Path
) -> None:
    url, account = operator.server.database_url, operator.server.account.account
    await operator.post("/organizations", name="Brands")
    await operator.post(f"/accounts/{account}/suspend")
    await audited(url)

    def prove() -> tuple[list[dict[str, Any]], int]:
        return _exported(command_line, tmp_path / "file"), command_line("audit", "verify").status

    (head, *body, end), status = await asyncio.to_thread(prove)
    assert status == 0
    assert (head["account"], head["position"], end["entries"]) == ("operator", 3, 3)
    assert [one["action"] for one in body if one["kind"] == "entry"] == [
        "create_operator_organization",
        "suspend_operator_account",
        "create_account",  # the organization of that account, by the clock of the desk
    ]
    [signed] = head["checkpoints"]
    assert signed["position"] == 3
    key, signature = bytes.fromhex(signed["public_key"]), bytes.fromhex(signed["signature"])
    assert is_signed(signed["signed"], key, signature)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM audit_blocks WHERE tenant_id = 0 AND position = 1")
    said = await asyncio.to_thread(command_line, "audit", "verify")
    assert said.status == 1
    assert "at position 1 of operator wrote was deleted" in said.err


@pytest.mark.parametrize("arguments", [("--operator", "--mode", "live"), ("--account", "acct_1")])
async def test_an_export_is_of_an_account_in_a_mode_or_of_the_operator(
    command_line: CommandLine, arguments: tuple[str, ...]
) -> None:
    said = await asyncio.to_thread(command_line, "audit", "export", *arguments)
    assert (said.status, "--mode" in said.err) == (2, True)
