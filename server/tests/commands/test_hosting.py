"""`guilder organizations`, `plans` and `usage`, as whoever hosts others types them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import psycopg
import pytest

from tests.support.operators import Operator, operator_of
from tests.usage.keeping import plans_file

MONTH = "2026-10"


@pytest.fixture
def operator(database_url: str, tmp_path: Path) -> Operator:
    return operator_of(database_url, GUILDER_PLANS=plans_file(tmp_path))


def test_an_organization_has_accounts(operator: Operator) -> None:
    assert "guilder organizations create" in operator("organizations", "list").out
    made = operator.json("organizations", "create", "--name", "Brands")
    assert made["id"].startswith("org_")
    account = operator.account("--name", "Shoes", "--organization", made["id"], "--plan", "small")
    (listed,) = operator.json("accounts", "list")["data"]
    assert (listed["id"], listed["organization"], listed["plan"]) == (account, made["id"], "small")
    # Without one, an account gets an organization of its own.
    operator.account("--name", "Hats")
    names = [one["name"] for one in operator.json("organizations", "list")["data"]]
    assert names == ["Brands", "Hats"]
    assert "Brands" in operator("organizations", "list").out
    said = operator("accounts", "create", "--organization", "org_none")
    assert (said.status, said.out) == (1, "")
    assert "No such organization: 'org_none'. `guilder organizations list` shows" in said.err


def test_an_account_comes_with_both_of_its_sides(operator: Operator, database_url: str) -> None:
    account = operator.account()
    with psycopg.connect(database_url) as connection:
        modes = connection.execute(
            "SELECT livemode FROM tenants WHERE account_id = %s ORDER BY 1", [account]
        ).fetchall()
    assert modes == [(False,), (True,)]


def test_an_account_is_put_on_another_plan(operator: Operator) -> None:
    account = operator.account()
    assert operator.json("accounts", "plan", account, "ten")["plan"] == "ten"
    said = operator("accounts", "plan", account, "small")
    assert said.status == 0
    assert f"{account} is on the plan small" in said.out
    wrong = operator("accounts", "plan", account, "smal")
    assert wrong.status == 2
    assert "There is no plan 'smal'. There are: calls, free, small, soft, ten, tight." in wrong.err
    assert operator("accounts", "plan", "acct_none", "ten").status == 1


def test_the_plans_are_shown(operator: Operator, database_url: str) -> None:
    plans = {one["name"]: one for one in operator.json("plans", "list")["data"]}
    assert plans["small"]["quotas"]["wallets"] == 2
    assert [name for name, one in plans.items() if one["default"]] == ["free"]
    assert "free (default)" in operator("plans", "list").out
    alone = operator_of(database_url).json("plans", "list")["data"]
    assert [(one["name"], one["hard"]) for one in alone] == [("default", False)]


def test_plans_that_are_wrong_are_said_where_they_are_named(
    database_url: str, tmp_path: Path
) -> None:
    file = plans_file(tmp_path, "default = 'a'\n[plans.a]\nhrad = true")
    said = operator_of(database_url, GUILDER_PLANS=file)("accounts", "list")
    assert said.status == 2
    assert f"GUILDER_PLANS names plans that are wrong: {file}: plan 'a': hrad is no key" in said.err


def test_usage_is_exported_for_whoever_bills(operator: Operator, database_url: str) -> None:
    one, other = operator.account("--plan", "small"), operator.account()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO usage_counters SELECT id, %s, false, 7, 1, 90, 2, 1, 5000, 0, 0 "
            "FROM tenants WHERE account_id = %s AND livemode",
            [MONTH, one],
        )
    said = operator("usage", "export", "--month", MONTH)
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert {(row["account"], row["mode"]) for row in rows} == {
        (account, mode) for account in (one, other) for mode in ("live", "test")
    }
    (live,) = (row for row in rows if row["account"] == one and row["mode"] == "live")
    assert {**live, "organization": ""} == {
        "organization": "",
        "account": one,
        "mode": "live",
        "month": MONTH,
        "complete": "yes",
        "plan": "small",
        "payments": "7",
        "api_calls": "90",
        "wallets": "2",
        "webhook_endpoints": "1",
        "storage_bytes": "5000",
    }
    only = operator("usage", "export", "--month", MONTH, "--account", one, "--format", "json")
    assert [row["payments"] for row in only.document["data"]] == [7, 0]
    # What exists goes on existing; what is used begins again.
    now = operator("usage", "export", "--account", one, "--format", "json").document["data"][0]
    assert (now["payments"], now["wallets"], now["complete"]) == (0, 2, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--month", "2026-13"], "--month: '2026-13' must be a month that has begun"),
        (["--month", "2999-01"], "--month: '2999-01' must be a month that has begun"),
        (["--account", "acct_none"], "No such account: 'acct_none'"),
    ],
)
def test_what_cannot_be_exported_is_said(
    operator: Operator, arguments: list[str], said: str
) -> None:
    answer = operator("usage", "export", *arguments)
    assert answer.status in (1, 2)
    assert answer.out == ""
    assert said in answer.err


def test_counters_that_are_not_what_the_tables_say_are_found(
    operator: Operator, database_url: str
) -> None:
    account = operator.account()
    assert "are what the tables say" in operator("usage", "verify").out
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO usage_counters SELECT id, %s, false, 1, 0, 0, 1, 0, 0, 0, 0 "
            "FROM tenants WHERE account_id = %s AND livemode",
            [MONTH, account],
        )
    said = operator("usage", "verify")
    assert said.status == 1
    assert f"1 payments are counted until the end of {MONTH}, 0 were made" in said.out
    assert f"wallets is 1 in {MONTH}, and there are 0" in said.out
