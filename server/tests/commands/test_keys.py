"""`guilder keys`, on an operator's own database and beside a server of two processes."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.operators import (
    KNOWN_FOR_S,
    Operator,
    ask,
    becomes,
    operator_of,
    two_workers,
    warm,
)
from tests.support.served import Served
from tests.support.servers import RunningCommand, run_guilder

DAY_S = 86_400


@pytest.fixture(scope="module")
def served(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("keys") / "log"
    with postgres.database() as url, two_workers(url, log) as served:
        yield served


@pytest.fixture
def operator(database_url: str) -> Operator:
    return operator_of(database_url)


@pytest.fixture
def beside(served: Served) -> Operator:
    """An operator of the server that runs."""
    return operator_of(served.database_url)


def unknown(said: Any) -> bool:
    return said.status == 401


def everything_in(database_url: str) -> str:
    """Each row of each table, as text."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname = 'public'"
        ).fetchall()
        rows = [
            connection.execute(f"SELECT t::text FROM {name} t").fetchall() for (name,) in tables
        ]
    return repr(rows)


# ── what a key opens ────────────────────────────────────────────────────────────────────────


def test_a_key_that_was_made_by_the_command_takes_a_payment(
    beside: Operator, served: Served
) -> None:
    account = beside.account("--name", "Corner shop")
    key = beside.key(account, "secret", "--name", "till")
    paid = ask(
        *(served.url, key["key"], "POST", "/v1/payment_intents"),
        amount="2000",
        currency="usd",
        confirm="true",
        payment_method="pm_card_visa",
    )
    assert paid.status == 200
    assert json.loads(paid.out)["status"] == "succeeded"
    told = json.loads(ask(served.url, key["key"], "GET", "/v1/account").out)
    assert told["id"] == account
    assert told["settings"]["dashboard"]["display_name"] == "Corner shop"


def test_keys_that_are_revoked_in_a_storm_are_refused_by_every_process_within_five_seconds(
    beside: Operator, served: Served
) -> None:
    """Under load, which asks with the keys all the time, and with a neighbour, which stays."""
    account = beside.account()
    one, two, other = (beside.key(account) for _ in range(3))
    warm(served.url, *(key["key"] for key in (one, two, other)))
    over, let_in = threading.Event(), dict[str, float]()

    def storm(secret: str) -> int:
        asked = 0
        with httpx.Client(base_url=served.url, verify=False, timeout=30) as client:
            while not over.is_set():
                began = time.monotonic()
                sent = {"Authorization": f"Bearer {secret}"}
                status = client.get("/v1/customers", headers=sent).status_code
                assert status == 200 or secret != other["key"]
                if status == 200:
                    let_in[secret] = began
                asked += 1
        return asked

    with ThreadPoolExecutor(6) as callers:
        storms = [callers.submit(storm, key["key"]) for key in (one, one, two, two, other)]
        time.sleep(0.5)
        assert beside.json("keys", "revoke", one["id"])["status"] == "revoked"
        over_http = f"/v1/api_keys/{two['id']}/revoke"
        assert ask(served.url, other["key"], "POST", over_http).status == 200
        revoked_at = time.monotonic()
        time.sleep(KNOWN_FOR_S + 1)
        over.set()
        asked = sum(each.result() for each in storms)
    assert max(let_in[key["key"]] for key in (one, two)) < revoked_at + KNOWN_FOR_S
    assert asked > 500
    for key in (one, two):
        assert {ask(served.url, key["key"]).status for _ in range(10)} == {401}


def test_a_key_with_an_allow_list_is_shown_with_it_and_refused_from_elsewhere(
    beside: Operator, served: Served
) -> None:
    account = beside.account()
    here = beside.key(account, "secret", "--allow", "127.0.0.0/8", "::1", "--name", "here")
    away = beside.key(account, "secret", "--allow", "203.0.113.0/24")
    assert ask(served.url, here["key"]).status == 200
    assert ask(served.url, away["key"]).err == "address_not_allowed"
    assert here["allowed_addresses"] == ["127.0.0.0/8", "::1/128"]
    assert here["created_by"]["type"] == "operator"
    assert here["created_by"]["id"].startswith("command line")
    listed = beside("keys", "list", "--account", account).out
    assert "127.0.0.0/8,::1/128" in listed
    refused = beside(
        *("keys", "create", "--account", account, "--mode", "test", "--kind", "secret"),
        *("--allow", "203.0.113.0/24", "everywhere"),
    )
    assert refused.status == 2
    assert refused.err.startswith("guilder: --allow: 'everywhere' is no network.")


def test_when_a_key_was_last_used_is_written_down_before_the_server_ends(
    database_url: str, tmp_path: Path
) -> None:
    operator = operator_of(database_url)
    key = operator.key(operator.account())
    with Served(database_url, tmp_path / "log") as served:
        assert ask(served.url, key["key"]).status == 200
        served.signal(signal.SIGTERM)
        assert served.ended() == 0
    (listed,) = operator.json("keys", "list")["data"]
    assert abs(listed["last_used_at"] - time.time()) < 60


def test_a_rolled_key_and_the_new_one_overlap(beside: Operator, served: Served) -> None:
    account = beside.account()
    key = beside.key(account)
    warm(served.url, key["key"])
    new = beside.json("keys", "roll", key["id"], "--overlap", "8s")
    ends = new["replaces"]["expires_at"]
    assert 0 < ends - time.time() <= 8
    assert new["key"] != key["key"]
    while time.time() < ends - 3:
        assert ask(served.url, key["key"]).status == 200
        assert ask(served.url, new["key"]).status == 200
        time.sleep(0.2)
    # The time of its end is whole seconds here, and microseconds in the database.
    time.sleep(max(0.0, ends + 1 - time.time()))
    # Every process knows by now that it ends, and when.
    assert {ask(served.url, key["key"]).err for _ in range(20)} == {"api_key_expired"}
    assert ask(served.url, new["key"]).status == 200


def test_a_key_that_is_rolled_without_overlap_is_refused_within_five_seconds(
    beside: Operator, served: Served
) -> None:
    key = beside.key(beside.account())
    warm(served.url, key["key"])
    said = beside("keys", "roll", key["id"], "--overlap", "0")
    assert f"The old one, {key['id']}, is refused within 5 seconds." in said.out
    becomes(served.url, key["key"], unknown)
    assert ask(served.url, said.out.splitlines()[0]).status == 200


def test_a_restricted_key_does_what_it_lists_and_no_more(beside: Operator, served: Served) -> None:
    key = beside.key(
        beside.account(),
        "restricted",
        *("--permission", "customers:write", "--permission", "charges:read", "customers:write"),
    )
    assert key["permissions"] == ["charges:read", "customers:write"]
    allowed = [("GET", "/v1/customers"), ("POST", "/v1/customers"), ("GET", "/v1/charges")]
    forbidden = [("POST", "/v1/charges"), ("GET", "/v1/account"), ("POST", "/v1/payment_intents")]
    for method, path in allowed:
        assert ask(served.url, key["key"], method, path).status == 200, path
    for method, path in forbidden:
        refused = ask(served.url, key["key"], method, path)
        assert refused.status == 403, path
        assert "does not have the permission" in refused.out


def test_a_key_ends_when_it_was_said_to(beside: Operator, served: Served) -> None:
    key = beside.key(beside.account(), "secret", "--expires-in", "4s")
    assert ask(served.url, key["key"]).status == 200
    time.sleep(4)
    assert ask(served.url, key["key"]).err == "api_key_expired"


def test_a_live_key_may_be_made_and_is_said_not_to_be_taken(
    beside: Operator, served: Served
) -> None:
    asked = ("keys", "create", "--account", beside.account(), "--mode", "live", "--kind", "secret")
    said = beside(*asked)
    key = said.out.splitlines()[0]
    assert key.startswith("sk_live_gld")
    assert "GUILDER_MODE=live" in said.out
    assert "not here" in said.out
    assert "GUILDER_MODE=live" in ask(served.url, key).out
    (note,) = beside.json(*asked)["notes"]
    assert "GUILDER_MODE=live" in note
    prepared = operator_of(served.database_url, GUILDER_MODE="live")
    assert "not here" not in prepared(*asked).out


# ── what is kept and shown ──────────────────────────────────────────────────────────────────


def test_no_key_is_in_the_database_in_clear(operator: Operator, database_url: str) -> None:
    account = operator.account()
    made = [
        operator.key(account, "secret"),
        operator.key(account, "publishable"),
        operator.key(account, "restricted", "--permission", "charges:read"),
    ]
    made.append(operator.json("keys", "roll", made[0]["id"]))
    operator.json("keys", "revoke", made[1]["id"])
    stored = everything_in(database_url)
    for key in made:
        assert key["id"] in stored
        assert key["key"] not in stored
        assert key["key"][11:-6] not in stored
        assert key["key"][11:-6].encode().hex() not in stored


def test_a_key_is_printed_once(operator: Operator) -> None:
    account = operator.account()
    said = operator("keys", "create", "--account", account, "--mode", "test", "--kind", "secret")
    key = said.out.splitlines()[0]
    (listed,) = operator.json("keys", "list")["data"]
    assert "key" not in listed
    assert listed["last4"] == key[-4:]
    assert f"Its id, to roll or to revoke it: {listed['id']}" in said.out
    for again in (
        operator("keys", "list"),
        operator("keys", "list", "--json"),
        operator("keys", "roll", listed["id"]),
        operator("keys", "revoke", listed["id"]),
    ):
        assert again.status == 0
        assert key[11:-4] not in again.out + again.err


def test_the_list_says_what_is_known_of_each_key(operator: Operator) -> None:
    one, other = operator.account(), operator.account()
    key = operator.key(one, "restricted", "--permission", "events:read", "--name", "reports")
    live = operator.json(
        *("keys", "create", "--account", other, "--mode", "live", "--kind", "publishable"),
        *("--expires-in", "90d"),
    )
    (listed,) = operator.json("keys", "list", "--account", one)["data"]
    assert listed == {name: key[name] for name in key.keys() - {"key", "notes"}}
    assert (listed["kind"], listed["mode"], listed["status"]) == ("restricted", "test", "active")
    assert (listed["name"], listed["permissions"]) == ("reports", ["events:read"])
    assert live["expires_at"] - live["created"] == 90 * DAY_S

    head, *lines = operator("keys", "list").out.splitlines()
    words = "ID ACCOUNT KIND MODE KEY CREATED BY LAST USED STATUS FROM NAME"
    assert head.split() == words.split()
    assert lines[0].split()[:5] == [
        *(key["id"], one, "restricted", "test", f"rk_test_****{key['key'][-4:]}")
    ]
    assert lines[1].split()[:4] == [live["id"], other, "publishable", "live"]
    assert " until 20" in lines[1]


def test_an_account_without_keys_is_told_how_to_make_one(operator: Operator) -> None:
    account = operator.account()
    said = operator("keys", "list", "--account", account)
    assert f"guilder keys create --account {account}" in said.out


# ── what is refused ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("customer:read", "Did you mean customers:read"),
        ("customers:delete", "Did you mean customers:read or customers:write?"),
        ("Refunds:Write", "refunds:write"),
        ("payment_intent:write", "payment_intents:write"),
        ("everything", "There are: account:read, api_keys:read"),
    ],
)
def test_a_permission_that_is_none_is_refused_and_the_near_ones_named(
    operator: Operator, wrong: str, near: str
) -> None:
    account = operator.account()
    said = operator(
        *("keys", "create", "--account", account, "--mode", "test", "--kind", "restricted"),
        *("--permission", "charges:read", wrong),
    )
    assert (said.status, said.out) == (2, "")
    assert f"--permission: There is no permission '{wrong}'." in said.err
    assert near in said.err
    assert operator.json("keys", "list")["data"] == []


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("restricted", [], "--permission: A restricted key may do only what it lists"),
        ("secret", ["--permission", "charges:read"], "--permission: Only a restricted key"),
        ("secret", ["--expires-in", "0"], "--expires-in: "),
        ("secret", ["--expires-in", "3651d"], "--expires-in: "),
        ("secret", ["--expires-in", "999999w"], "--expires-in: "),
        ("secret", ["--name", "a\nb"], "--name: "),
    ],
)
def test_a_mistaken_wish_is_named(
    operator: Operator, kind: str, arguments: list[str], words: str
) -> None:
    asked = ("keys", "create", "--account", operator.account(), "--mode", "test", "--kind", kind)
    said = operator(*asked, *arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(f"guilder: {words}")


def test_what_is_not_there_is_said(operator: Operator) -> None:
    asked = ("keys", "create", "--account", "acct_none", "--mode", "test", "--kind", "secret")
    for arguments in (asked, ("keys", "list", "--account", "acct_none")):
        said = operator(*arguments)
        assert (said.status, said.out) == (1, "")
        assert "No such account: 'acct_none'. `guilder accounts list` shows" in said.err
    for act in ("roll", "revoke"):
        said = operator("keys", act, "key_none")
        assert (said.status, said.out) == (1, "")
        assert "No such API key: 'key_none'" in said.err


def test_a_key_is_named_by_its_id_and_not_repeated_in_the_error(operator: Operator) -> None:
    key = operator.key(operator.account())["key"]
    for act in ("roll", "revoke"):
        said = operator("keys", act, key)
        assert said.status == 2
        assert "by its id" in said.err
        assert key[11:-4] not in said.err


def test_a_closed_account_gets_no_key_and_a_suspended_one_is_told_when(operator: Operator) -> None:
    account = operator.account()
    key = operator.key(account)
    operator.json("accounts", "suspend", account)
    (note,) = operator.key(account)["notes"]
    assert "suspended" in note
    operator.json("accounts", "close", account)
    asked = ("keys", "create", "--account", account, "--mode", "test", "--kind", "secret")
    for arguments in (asked, ("keys", "roll", key["id"])):
        said = operator(*arguments)
        assert (said.status, said.out) == (1, "")
        assert "closed, for good" in said.err
    assert operator.json("keys", "revoke", key["id"])["status"] == "revoked"


@pytest.mark.parametrize("overlap", ["8d", "604801s"])
def test_an_overlap_is_at_most_seven_days(operator: Operator, overlap: str) -> None:
    key = operator.key(operator.account())
    said = operator("keys", "roll", key["id"], "--overlap", overlap)
    assert said.status == 2
    assert said.err == "guilder: --overlap: The overlap is from 0 to 7 days.\n"
    assert operator.json("keys", "list")["data"][0]["expires_at"] is None
    rolled = operator.json("keys", "roll", key["id"], "--overlap", "7d")
    assert rolled["replaces"]["expires_at"] - rolled["created"] == 7 * DAY_S


def test_without_the_pepper_no_key_is_made(database_url: str) -> None:
    operator = Operator({"GUILDER_DATABASE_URL": database_url})
    account = operator.account()
    said = operator(
        "keys", "create", "--account", account, "--mode", "test", "--kind", "secret", "--json"
    )
    assert said.status == 2
    assert "GUILDER_KEY_PEPPER is not set" in json.loads(said.out)["error"]["message"]
    assert "GUILDER_KEY_PEPPER is not set" in said.err
    assert operator.json("keys", "list")["data"] == []


# ── a development folder ────────────────────────────────────────────────────────────────────


def test_a_development_folder_has_accounts_and_keys_as_well(tmp_path: Path) -> None:
    """And `guilder dev` makes new keys in the place of those that were taken from it."""
    folder = tmp_path / "dev"
    start = ["dev", "--port", "0", "--data-dir", str(folder)]
    here = ("--data-dir", str(folder), "--json")
    with RunningCommand(start) as running:
        before = running.wait_for(folder / "dev.json")
        done = run_guilder("accounts", "create", *here)
        account = json.loads(done.stdout)["id"]
        asked = ("keys", "create", "--account", account, "--mode", "test", "--kind", "secret")
        key = json.loads(run_guilder(*asked, *here).stdout)["key"]
        assert ask(before["api_base"], key).status == 200
        listed = json.loads(run_guilder("keys", "list", *here).stdout)["data"]
        (own,) = (
            each
            for each in listed
            if each["kind"] == "secret" and each["last4"] == before["secret_key"][-4:]
        )
        assert run_guilder("keys", "revoke", own["id"], *here).returncode == 0
        assert running.stop() == 0
    with RunningCommand(start) as running:
        after = running.wait_for(folder / "dev.json")
        assert after["account"] == before["account"]
        assert after["publishable_key"] == before["publishable_key"]
        assert after["secret_key"] != before["secret_key"]
        assert ask(after["api_base"], after["secret_key"]).status == 200
        assert running.stop() == 0
