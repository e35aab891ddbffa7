"""What every command of the operator answers to what is wrong: a sentence, a status, and with
`--json` one document, whatever it was."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from guilder_server.embedded import DevelopmentFolder
from tests.support.operators import Operator, Said, operator_of
from tests.support.postgres import TestDatabases

# Each with `--json` and something wrong.
WRONG = [
    "accounts",
    "accounts suspend",
    "accounts suspend acct_no",
    "accounts plan acct_no gold",
    "accounts create --country XX",
    "accounts create --organization org_no",
    "accounts list --data-dir /nowhere",
    "organizations create --name ''",
    "keys create --account acct_no --mode test --kind secret",
    "keys create --account acct_no --mode test --kind secret --expires-in 5",
    "keys create --account acct_no --mode test --kind restricted --permission customer:read",
    "keys revoke key_no",
    "users invite --account acct_no --email a@b.example --role king",
    "users invite --account acct_no --email a@b.example --role owner",
    "users set-role user_no --account acct_no --role owner",
    "users disable user_no",
    "plans",
    "usage export --month 2026-13",
    "usage export --account acct_no",
    "usage verify --what",
    "audit verify --account acct_no",
    "audit verify --since /nowhere/at/all/marks",
]
DONE = [
    "accounts list",
    "organizations list",
    "keys list",
    "users list",
    "plans list",
    "plans list --data-dir /nowhere",
    "usage export",
    "usage verify",
    "audit verify",
]


@pytest.fixture
def operator(database_url: str) -> Operator:
    return operator_of(database_url)


def typed(operator: Operator, line: str) -> Said:
    return operator(*shlex.split(line))


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_said_and_with_json_in_one_document(operator: Operator, line: str) -> None:
    said = typed(operator, f"{line} --json")
    assert said.status in (1, 2)
    error = json.loads(said.out)["error"]
    assert error["exit_status"] == said.status
    assert said.err == f"guilder: {error['message']}\n"
    assert len(error["message"]) > 20


def test_what_another_thread_of_the_tests_logs_is_none_of_its_words(operator: Operator) -> None:
    ended = threading.Event()

    def log() -> None:
        while not ended.wait(0.0005):
            sys.stderr.write("a server that is shared\n")
            sys.stdout.write("a server that is shared\n")

    thread = threading.Thread(target=log)
    thread.start()
    try:
        said = typed(operator, "accounts suspend acct_no --json")
    finally:
        ended.set()
        thread.join()
    assert json.loads(said.out)["error"]["message"]
    assert said.err.startswith("guilder: No such account")


@pytest.mark.parametrize("line", DONE)
def test_what_was_done_is_one_document(operator: Operator, line: str) -> None:
    said = typed(operator, f"{line} --json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out)["object"]


def test_a_command_line_that_is_wrong_says_where_to_read_what_is_right(operator: Operator) -> None:
    for line, command in (
        ("plans", "guilder plans"),
        ("keys roll", "guilder keys roll"),
        ("usage export --what", "guilder usage export"),
        ("acounts list", "guilder"),
    ):
        said = typed(operator, line)
        assert (said.status, said.out) == (2, "")
        assert said.err.endswith(f"`{command} --help` says more.\n")


NEED_A_DATABASE = [
    "accounts list",
    "users list",
    "usage export",
    "audit verify",
    "audit export --operator --output trail",
]


@pytest.mark.parametrize("line", NEED_A_DATABASE)
def test_without_a_database_or_in_one_that_is_empty_or_closed_the_command_says_so(
    postgres: TestDatabases,
    database_url: str,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = typed(Operator({}), line)
    assert (nowhere.status, nowhere.out) == (2, "")
    assert nowhere.err.startswith("guilder: GUILDER_DATABASE_URL is not set.")
    unreachable = typed(operator_of("postgresql://nobody@127.0.0.1:1/nothing"), line)
    assert (unreachable.status, unreachable.out) == (1, "")
    assert unreachable.err.startswith("guilder: The database cannot be reached:")
    empty = typed(operator_of(postgres.url_of("postgres")), line)
    assert (empty.status, empty.out) == (1, "")
    assert empty.err.endswith("Run `guilder migrate` first.\n")
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE guilder_nobody LOGIN; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
    closed = typed(operator_of(_as_nobody(database_url)), line)
    assert (closed.status, closed.out) == (1, "")
    assert "permission denied" in closed.err or "Let a superuser say" in closed.err
    assert "Traceback" not in closed.err


def _as_nobody(url: str) -> str:
    return sa.make_url(url).set(username="guilder_nobody").render_as_string(hide_password=False)


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(
    operator: Operator, tmp_path: Path
) -> None:
    where = f"audit export --account {operator.account()} --mode test --output"
    assert "there is no folder /nowhere" in typed(operator, f"{where} /nowhere/trail").err
    assert f"{tmp_path} is a folder" in typed(operator, f"{where} {tmp_path}").err
    assert "Say --mode test or" in typed(operator, "audit export --account acct_1").err
    assert "has no modes" in typed(operator, "audit export --operator --mode test").err


def test_a_mistyped_key_in_the_place_of_an_id_is_not_repeated(operator: Operator) -> None:
    key = operator.key(operator.account())["key"]
    for word in (key, key[:-1] + "-", key[:30]):
        said = typed(operator, f"keys revoke -- {word}")
        assert said.status == 2
        assert word[12:] not in said.err


def test_a_link_leads_to_the_server_that_runs_in_the_folder(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DevelopmentFolder(tmp_path)
    kept = folder.secrets()
    running = type("Running", (), {"database_url": database_url, "redis_url": "redis://nowhere"})
    monkeypatch.setattr(DevelopmentFolder, "running", lambda _: running)
    folder.publish("http://127.0.0.1:4999", kept)
    inside = Operator({})
    account = inside.account("--data-dir", str(tmp_path))
    given = ("--data-dir", str(tmp_path), "--account", account, "--role", "owner")
    link = inside.json("users", "invite", "--email", "a@b.example", *given)["url"]
    assert link.startswith("http://127.0.0.1:4999/invitations/")
    elsewhere = Operator({"GUILDER_PUBLIC_URL": "https://pay.example.com"})
    link = elsewhere.json("users", "invite", "--email", "b@b.example", *given)["url"]
    assert link.startswith("https://pay.example.com/invitations/")
    folder.forget_address()
    link = inside.json("users", "invite", "--email", "c@b.example", *given)["url"]
    assert link.startswith("http://127.0.0.1:4242/invitations/")


def test_whoever_stops_reading_is_no_reason_for_a_traceback() -> None:
    """As in `guilder audit export ... | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    typed_line = [sys.executable, "-m", "guilder_server.cli", "plans", "list"]
    with open(writing, "wb") as nobody:
        done = subprocess.run(typed_line, stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")
