"""`guilder users`: as whoever runs a server types it."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guilder_server.kernel.redaction import REDACTED
from tests.support.operators import Operator, operator_of
from tests.support.people import add_member


@pytest.fixture
def operator(database_url: str) -> Operator:
    return operator_of(database_url, GUILDER_PUBLIC_URL="https://pay.example.com")


@pytest.fixture
def account(operator: Operator) -> str:
    return operator.account()


def invited(operator: Operator, account: str, email: str = "ada@example.com") -> dict[str, str]:
    given = ("--account", account, "--email", email, "--role", "owner")
    return operator.json("users", "invite", *given)


def test_the_first_owner_is_invited_by_a_link(operator: Operator, account: str) -> None:
    assert "guilder users invite" in operator("users", "list").out
    said = operator(
        *("users", "invite", "--account", account, "--email", "Ada@Example.com", "--role", "owner")
    )
    assert said.status == 0
    link, _, rest = said.out.partition("\n")
    assert link.startswith("https://pay.example.com/invitations/")
    assert "Send this link to ada@example.com: it is printed this once" in rest
    assert "on this machine only" not in rest
    document = invited(operator, account, "grace@example.com")
    assert document["url"].startswith("https://pay.example.com/invitations/")
    assert (document["object"], document["role"]) == ("invitation", "owner")


def test_a_link_that_nobody_else_can_open_is_said(database_url: str, account: str) -> None:
    local = operator_of(database_url)
    said = local(
        "users", "invite", "--account", account, "--email", "a@b.example", "--role", "owner"
    )
    assert said.out.startswith("http://127.0.0.1:")
    assert "GUILDER_PUBLIC_URL is not set, so the link opens on this machine only." in said.out


def test_the_trail_says_who_typed_the_command(
    operator: Operator, account: str, tmp_path: Path
) -> None:
    invited(operator, account)
    kept = tmp_path / "trail"
    entries = _trail(operator, account, kept)
    assert {one["action"] for one in entries} == {"create_account", "create_invitation"}
    assert {one["actor"]["id"] for one in entries} == {f"command line, {getpass.getuser()}"}


def _trail(operator: Operator, account: str, file: Path) -> list[dict[str, Any]]:
    where = ("--account", account, "--mode", "test", "--output", str(file))
    assert operator("audit", "export", *where).status == 0
    return [one for one in map(json.loads, file.read_text().splitlines()) if "actor" in one]


def test_the_trail_says_what_became_of_somebody(
    operator: Operator, account: str, database_url: str, tmp_path: Path
) -> None:
    user = add_member(database_url, account)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE users SET totp = 'sealed', totp_step = 1 WHERE id = %s", [user])
    for command in ("disable", "disable", "enable", "reset-totp"):
        assert operator("users", command, user).status == 0
    _, *told = _trail(operator, account, tmp_path / "trail")
    [off, again, on, reset] = [one["changes"][0] for one in told]
    assert off["before"] == {"disabled_at": None}
    assert off["after"] == on["before"]
    assert off["after"]["disabled_at"].endswith("Z")
    assert again["before"] == again["after"] == {}
    assert on["after"] == {"disabled_at": None}
    assert (reset["before"], reset["after"]) == ({"totp": REDACTED}, {"totp": None})


def test_people_are_listed_changed_and_removed(
    operator: Operator, account: str, database_url: str
) -> None:
    owner = add_member(database_url, account, "owner")
    viewer = add_member(database_url, account)
    listed = operator.json("users", "list", "--account", account)["data"]
    assert {(one["id"], one["role"]) for one in listed} == {(owner, "owner"), (viewer, "viewer")}
    assert f"{viewer}@example.com" in operator("users", "list").out
    by_email = f"{viewer}@example.com"
    changed = operator.json("users", "set-role", by_email, "--account", account, "--role", "admin")
    assert changed["role"] == "admin"
    assert operator.json("users", "disable", viewer)["status"] == "disabled"
    assert "may sign in again" in operator("users", "enable", viewer).out
    assert operator.json("users", "reset-totp", viewer)["codes"] is False
    assert operator.json("users", "remove", viewer, "--account", account)["deleted"] is True
    assert len(operator.json("users", "list")["data"]) == 1


def test_what_cannot_be_done_is_said(operator: Operator, account: str, database_url: str) -> None:
    owner = add_member(database_url, account, "owner")
    last = operator("users", "remove", owner, "--account", account)
    assert (last.status, "last owner" in last.err) == (1, True)
    unknown = operator("users", "disable", "nobody@example.com")
    assert (unknown.status, "guilder users list" in unknown.err) == (1, True)
    absent = operator(
        *("users", "invite", "--account", "acct_1", "--email", "a@b.example", "--role", "viewer")
    )
    assert (absent.status, "No such account" in absent.err) == (1, True)
    wrong = operator("users", "invite", "--account", account, "--email", "ada", "--role", "owner")
    assert (wrong.status, "--email: This is no email address." in wrong.err) == (2, True)
    assert (
        operator(*("users", "set-role", owner, "--account", account, "--role", "god")).status == 2
    )


def test_a_link_needs_the_pepper_of_the_server(database_url: str, account: str) -> None:
    without = operator_of(database_url, GUILDER_KEY_PEPPER="")
    said = without("users", "invite", "--account", account, "--email", "a@b.c", "--role", "owner")
    assert (said.status, "GUILDER_KEY_PEPPER" in said.err) == (2, True)


def test_a_link_that_was_lost_is_made_anew(operator: Operator, account: str) -> None:
    first, second = invited(operator, account), invited(operator, account)
    assert first["id"] != second["id"]
    assert first["url"] != second["url"]


def test_a_link_that_sets_a_new_password_is_printed_this_once(
    operator: Operator, account: str, database_url: str
) -> None:
    user = add_member(database_url, account, "owner")
    refused = operator("users", "reset-password", user)
    assert (refused.status, "signs in with the provider" in refused.err) == (1, True)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE users SET password = 'x' WHERE id = %s", [user])
    said = operator("users", "reset-password", f"{user}@example.com")
    link, _, rest = said.out.partition("\n")
    assert said.status == 0
    assert link.startswith("https://pay.example.com/new-password/")
    assert f"Give this link to {user}@example.com: it is printed this once" in rest
    document = operator.json("users", "reset-password", user)
    assert document["url"].startswith("https://pay.example.com/new-password/")
    assert document["url"] != link
    assert (document["id"], document["object"]) == (user, "user")
    assert document["expires_at"] > time.time() + 3500
    unknown = operator("users", "reset-password", "nobody@example.com")
    assert (unknown.status, "guilder users list" in unknown.err) == (1, True)
    without = operator_of(database_url, GUILDER_KEY_PEPPER="")
    said = without("users", "reset-password", user)
    assert (said.status, "GUILDER_KEY_PEPPER" in said.err) == (2, True)
    local = operator_of(database_url)
    assert "on this machine only" in local("users", "reset-password", user).out
