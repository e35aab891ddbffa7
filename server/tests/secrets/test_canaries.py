"""Secrets that were planted wherever a caller can put one are found again nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.secrets.watching import (
    CARD,
    CARD_WITH_BLANKS,
    INVENTED,
    PASSWORD,
    RAW_CARD,
    TOKEN,
    Watched,
)
from tests.support.api import unique
from tests.support.contract import OPERATIONS, Operation, placed
from tests.support.leaks import leaks, lines, rows

WRONG_CARD = {**RAW_CARD, "exp_year": 2001}
FORM_OF_CARD = {"type": "card", **{f"card[{name}]": str(one) for name, one in RAW_CARD.items()}}


def plant(watched: Watched, operation: Operation) -> None:
    """Everything that a caller could do with a secret at this operation, by mistake or not."""
    world, api = watched.world, watched.world.api
    path, params = world.path(operation), world.params(operation)
    for stranger in (INVENTED, TOKEN, PASSWORD, CARD):
        assert api.send(operation.method, path, params, secret=stranger).status == 401
    basic = httpx.BasicAuth(watched.account.publishable_key, PASSWORD)
    httpx.request(operation.method, api.url + path, auth=basic, verify=False)
    wrong = [{one.name: f"{CARD}x"} for one in operation.inputs if "integer" in one.kinds()]
    for unasked in ({"password": PASSWORD}, {"api_key": INVENTED}, {CARD: TOKEN}, *wrong):
        answer = api.send(operation.method, path, {**params, **unasked})
        # A key has no sessions, and is told so.
        assert answer.status in (200, 400, 402) or "sessions" in path
    for secret in (INVENTED, CARD):
        key = unique() if operation.method == "POST" else None
        for one in operation.new_inputs():
            if one.is_id:
                mistaken = placed(params, operation, one.path, secret)
                api.send(operation.method, path, mistaken, idempotency_key=key and unique())
        for named in operation.path_parameters:
            given = dict.fromkeys(operation.path_parameters, "absent") | {named: secret}
            wanted = operation.path.format_map(given)
            api.send(operation.method, wanted, params, idempotency_key=key)


def test_no_operation_keeps_or_logs_a_secret(watched: Watched) -> None:
    for operation in OPERATIONS.values():
        plant(watched, operation)
    assert "\n".join(watched.found()) == ""


def test_a_card_leaves_no_number_behind(watched: Watched) -> None:
    api = watched.world.api
    method = api.post("/v1/payment_methods", type="card", card=RAW_CARD, key="a card")
    assert method["card"]["last4"] == CARD[-4:]
    spaced = {"type": "card", "card": {**RAW_CARD, "number": CARD_WITH_BLANKS}}
    assert api.pay(payment_method=None, payment_method_data=spaced)["status"] == "succeeded"
    refused = api.post("/v1/payment_methods", type="card", card=WRONG_CARD, key="a wrong card")
    assert refused.status == 402
    assert "\n".join(watched.found()) == ""


@contextmanager
def lost(database_url: str, table: str) -> Iterator[None]:
    """Without a table whatever needs it fails."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO lost").format(sql.Identifier(table)))
        try:
            yield
        finally:
            connection.execute(
                sql.SQL("ALTER TABLE lost RENAME TO {}").format(sql.Identifier(table))
            )


@contextmanager
def taking_nothing(database_url: str, table: str) -> Iterator[None]:
    """PostgreSQL then tells what is in the row that it does not take."""
    named = sql.Identifier(table)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT nothing CHECK (false) NOT VALID").format(named)
        )
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT nothing").format(named))


@pytest.mark.parametrize("broken", [lost, taking_nothing])
@pytest.mark.parametrize(
    ("table", "path", "form"),
    [
        ("payment_methods", "/v1/payment_methods", FORM_OF_CARD),
        ("api_keys", "/v1/api_keys", {"kind": "secret"}),
        ("oauth_clients", "/v1/oauth_clients", {"scopes[]": "customers:read"}),
        ("invitations", "/v1/invitations", {"email": "a@b.example", "role": "viewer"}),
        ("webhook_endpoints", f"/v1/webhook_endpoints/{INVENTED}/roll_secret", {}),
        ("customers", f"/v1/customers/{CARD}", {"name": "Ada"}),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
def test_a_fault_is_logged_without_what_was_sent(
    watched: Watched, broken: type, table: str, path: str, form: dict[str, str]
) -> None:
    with broken(watched.served.database_url, table):
        answer = httpx.post(
            f"{watched.world.api.url}{path}",
            auth=(watched.account.secret_key, PASSWORD),
            data=form,
            verify=False,
        )
    if broken is lost:
        assert answer.status_code == 500
    if answer.status_code == 500:
        assert answer.headers["request-id"] in watched.served.log.read_text()
    assert "Failing row" not in watched.served.log.read_text()
    assert "\n".join(watched.found()) == ""


def test_what_was_planted_would_be_found(watched: Watched, tmp_path: Path) -> None:
    """So that finding nothing says something."""
    word = unique("word")
    watched.world.api.post("/v1/customers", name=word)
    watched.found()  # waits for what is written behind a request
    found = leaks([word], rows(watched.served.database_url))
    assert {place.rpartition(" ")[2] for place in found} >= {
        "customers.name",
        "events.payload",
        "audit_blocks.payload",
        "request_logs.content",
    }
    log = tmp_path / "log"
    log.write_text(f"a line with {CARD}\n")
    assert leaks([CARD], lines(log)) == [f"{CARD} in the log"]
