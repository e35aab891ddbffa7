"""`guilder accounts`, on an operator's own database and beside a server of two processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.operators import Operator, ask, becomes, operator_of, two_workers, warm
from tests.support.postgres import TestDatabases
from tests.support.served import Served
from tests.support.servers import run_guilder


@pytest.fixture(scope="module")
def served(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("accounts") / "log"
    with postgres.database() as url, two_workers(url, log) as served:
        yield served


@pytest.fixture
def operator(database_url: str) -> Operator:
    return operator_of(database_url)


@pytest.fixture
def beside(served: Served) -> Operator:
    """An operator of the server that runs."""
    return operator_of(served.database_url)


def test_an_account_is_opened_with_what_was_said_of_it(operator: Operator) -> None:
    said = operator.json(
        *("accounts", "create", "--name", "Corner shop", "--country", "nl"),
        *("--currency", "EUR", "--email", "desk@example.com"),
    )
    assert said["id"].startswith("acct_")
    assert said["organization"].startswith("org_")
    assert {name: said[name] for name in said.keys() - {"id", "created", "organization"}} == {
        "object": "account",
        "status": "active",
        "plan": None,
        "name": "Corner shop",
        "email": "desk@example.com",
        "country": "NL",
        "default_currency": "eur",
    }
    assert operator.json("accounts", "list") == {"object": "list", "data": [said]}


def test_a_person_is_told_what_comes_next(operator: Operator) -> None:
    assert "guilder accounts create" in operator("accounts", "list").out
    said = operator("accounts", "create", "--name", "Corner shop")
    assert said.status == 0
    (account,) = (each["id"] for each in operator.json("accounts", "list")["data"])
    assert f"guilder keys create --account {account}" in said.out
    listed = operator("accounts", "list").out.splitlines()
    assert listed[0].split()[:2] == ["ACCOUNT", "ORGANIZATION"]
    assert listed[1].startswith(account)
    assert "Corner shop" in listed[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--country", "UK"], "--country: There is no country 'UK'"),
        (["--currency", "bitcoin"], "--currency: There is no currency 'bitcoin'"),
        (["--email", "nobody"], "--email: "),
        (["--name", "x" * 201], "--name: "),
        (["--name", "red \x1b[31m"], "--name: "),
    ],
)
def test_a_mistake_is_named_and_nothing_is_opened(
    operator: Operator, arguments: list[str], words: str
) -> None:
    said = operator("accounts", "create", *arguments, "--json")
    assert said.status == 2
    assert json.loads(said.out)["error"]["message"].startswith(words)
    assert said.err.startswith(f"guilder: {words}")
    assert operator.json("accounts", "list")["data"] == []


def test_an_account_that_is_not_there_is_said(operator: Operator) -> None:
    for act in ("suspend", "resume", "close"):
        said = operator("accounts", act, "acct_none")
        assert (said.status, said.out) == (1, "")
        assert "No such account: 'acct_none'" in said.err
        assert "guilder accounts list" in said.err


def test_doing_it_again_changes_nothing(operator: Operator) -> None:
    account = operator.account()
    assert operator.json("accounts", "resume", account)["status"] == "active"
    for _ in range(2):
        assert operator.json("accounts", "suspend", account)["status"] == "suspended"
    for _ in range(2):
        assert operator.json("accounts", "resume", account)["status"] == "active"
    for _ in range(2):
        assert operator.json("accounts", "close", account)["status"] == "closed"


def test_a_closed_account_stays_closed(operator: Operator) -> None:
    account = operator.account()
    operator.json("accounts", "close", account)
    for act in ("suspend", "resume"):
        said = operator("accounts", act, account)
        assert said.status == 1
        assert "closed, for good" in said.err
    assert operator.json("accounts", "list")["data"][0]["status"] == "closed"


def test_a_suspended_account_is_refused_and_keeps_its_data(
    beside: Operator, served: Served
) -> None:
    account, other = beside.account(), beside.account()
    key = beside.key(account)["key"]
    browser = beside.key(account, "publishable")["key"]
    others = beside.key(other)["key"]
    customer = json.loads(ask(served.url, key, "POST", name="Ada").out)["id"]
    warm(served.url, key, others)

    beside.json("accounts", "suspend", account)
    becomes(served.url, key, lambda said: (said.status, said.err) == (403, "account_suspended"))
    assert ask(served.url, browser).err == "account_suspended"
    assert ask(served.url, key, "POST", name="Eve").status == 403
    assert ask(served.url, others).status == 200

    beside.json("accounts", "resume", account)
    becomes(served.url, key, lambda said: said.status == 200)
    (kept,) = json.loads(ask(served.url, key).out)["data"]
    assert (kept["id"], kept["name"]) == (customer, "Ada")


def test_an_empty_balance_is_in_the_currency_of_the_account(
    beside: Operator, served: Served
) -> None:
    account = beside.account("--name", "Corner shop", "--currency", "eur")
    key = beside.key(account)["key"]
    balance = json.loads(ask(served.url, key, path="/v1/balance").out)
    for part in ("available", "pending"):
        assert [(one["currency"], one["amount"]) for one in balance[part]] == [("eur", 0)]


def test_a_closed_account_is_refused_and_keeps_its_rows(beside: Operator, served: Served) -> None:
    account = beside.account()
    key = beside.key(account)["key"]
    customer = json.loads(ask(served.url, key, "POST", name="Ada").out)["id"]
    warm(served.url, key)

    beside.json("accounts", "close", account)
    becomes(served.url, key, lambda said: (said.status, said.err) == (403, "account_closed"))
    with psycopg.connect(served.database_url) as connection:
        kept = connection.execute("SELECT name FROM customers WHERE id = %s", [customer])
        assert kept.fetchall() == [("Ada",)]


def test_a_database_without_its_schema_is_named_with_the_way_out(postgres: TestDatabases) -> None:
    with postgres.superuser_connection() as connection:
        connection.execute("CREATE DATABASE bare_books OWNER guilder")
    try:
        operator = operator_of(postgres.url_of("bare_books"))
        said = operator("accounts", "create")
        assert (said.status, said.out) == (1, "")
        assert "guilder migrate" in said.err
        assert operator("migrate").status == 0
        assert operator.account().startswith("acct_")
    finally:
        postgres.drop("bare_books")


def test_a_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    said = operator_of(f"postgresql:///guilder?host={tmp_path}")("accounts", "list")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("guilder: The database cannot be reached: ")
    assert "guilder doctor" in said.err


def test_a_database_that_takes_no_writes_is_said(operator: Operator, database_url: str) -> None:
    account = operator.account()
    standby = operator_of(f"{database_url}&options=-cdefault_transaction_read_only%3Don")
    said = standby("accounts", "create")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("guilder: The database said: cannot execute INSERT")
    assert [each["id"] for each in operator.json("accounts", "list")["data"]] == [account]


def test_without_a_database_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = Operator({})("accounts", "list")
    assert said.status == 2
    assert "GUILDER_DATABASE_URL" in said.err


def test_a_program_gets_one_document_and_no_other_word(database_url: str) -> None:
    settings = {"GUILDER_DATABASE_URL": database_url}
    done = run_guilder("accounts", "create", "--name", "Élan", "--json", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["name"] == "Élan"


@pytest.mark.parametrize(
    "arguments",
    [
        ["accounts"],
        ["accounts", "suspend"],
        ["accounts", "reopen", "acct_1"],
        ["keys"],
        ["keys", "create"],
        ["keys", "create", "--account", "acct_1", "--mode", "both", "--kind", "secret"],
        ["keys", "create", "--account", "acct_1", "--mode", "test", "--kind", "public"],
        ["keys", "roll"],
        ["keys", "roll", "key_1", "--overlap", "a while"],
        ["keys", "roll", "key_1", "--overlap", "-1d"],
        ["keys", "roll", "key_1", "--overlap", "٣d"],
    ],
)
def test_a_mistaken_command_line_ends_with_2(operator: Operator, arguments: list[str]) -> None:
    said = operator(*arguments)
    assert (said.status, said.out) == (2, "")
    assert "usage: guilder" in said.err
