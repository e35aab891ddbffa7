"""Statements through the API: what they hold, as JSON and as a file, and what is refused."""

from __future__ import annotations

import csv
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from tests.ledger.keeping import ACCOUNTS, TRANSACTIONS, account, move, posting, refused
from tests.support.api import Answer, Api, ApiServer
from tests.support.processes import eventually

SOON = int(time.time()) + 86_400


def statement(api: Api, account: str, start: int = 0, end: int = SOON, **params: Any) -> Answer:
    path = f"{ACCOUNTS}/{account}/statement"
    return api.get(path, interval_start=start, interval_end=end, **params)


def written(api: Api, account: str, start: int = 0, end: int = SOON, **params: Any) -> Any:
    """The file as it came."""
    asked = {"interval_start": start, "interval_end": end, "format": "csv", **params}
    return api._client.get(
        f"{ACCOUNTS}/{account}/statement",
        params=asked,
        headers={"Authorization": f"Bearer {api.key}"},
    )


def rows(api: Api, account: str, **params: Any) -> list[dict[str, str]]:
    answer = written(api, account, **params)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_a_statement_tells_what_was_before_what_came_and_what_is_left(api: Api) -> None:
    bank = account(api, "assets/bank", name="Bank")
    sales = account(api, "income/sales", normal_side="credit")
    first = move(api, bank, sales, 500, reference="r-1", description="Sale")
    second = move(api, sales, bank, 120)
    found = statement(api, bank)
    shown = dict(found.body)
    lines = shown.pop("data")
    assert shown == {
        "object": "ledger_statement",
        "account": bank,
        "basis": "known",
        "closing_balance": 380,
        "code": "assets/bank",
        "credits": 120,
        "currency": "usd",
        "debits": 500,
        "entries": 2,
        "interval_end": SOON,
        "interval_start": 0,
        "name": "Bank",
        "normal_side": "debit",
        "opening_balance": 0,
    }
    entries = api.get(f"{ACCOUNTS}/{bank}/entries")["data"][::-1]
    assert lines == [
        {
            "id": entry["id"],
            "amount": entry["amount"],
            "balance": entry["balance"],
            "created": entry["created"],
            "description": transaction["description"],
            "direction": entry["direction"],
            "effective_at": entry["effective_at"],
            "reference": transaction["reference"],
            "transaction": transaction["id"],
            "type": "transfer",
        }
        for entry, transaction in zip(entries, (first, second), strict=True)
    ]


def test_an_account_that_grows_on_the_credit_side_opens_and_closes_on_it(api: Api) -> None:
    bank, owed = account(api), account(api, normal_side="credit")
    move(api, bank, owed, 70)
    found = statement(api, owed)
    assert (found["opening_balance"], found["closing_balance"]) == (0, 70)
    assert (found["debits"], found["credits"]) == (0, 70)
    assert [line["balance"] for line in found["data"]] == [70]


def test_an_interval_begins_with_its_first_second_and_ends_before_its_last(api: Api) -> None:
    one, other = account(api), account(api)
    for day in (1000, 2000, 3000):
        move(api, one, other, day, effective_at=day)
    cases: dict[tuple[int, int], tuple[int, list[int], int]] = {
        (1000, 2000): (0, [1000], 1000),
        (1001, 2001): (1000, [2000], 3000),
        (0, 1000): (0, [], 0),
        (3000, SOON): (3000, [3000], 6000),
        (3001, SOON): (6000, [], 6000),
    }
    for (start, end), (opening, amounts, closing) in cases.items():
        found = statement(api, one, start, end, basis="effective")
        assert [line["amount"] for line in found["data"]] == amounts, (start, end)
        assert (found["opening_balance"], found["closing_balance"]) == (opening, closing)
        assert found["entries"] == len(amounts)


def test_by_what_was_in_effect_the_order_and_the_balances_are_those_of_that(api: Api) -> None:
    one, other = account(api), account(api)
    move(api, one, other, 1)
    move(api, one, other, 10, effective_at=2000)
    move(api, other, one, 100, effective_at=1000)
    known, effective = (statement(api, one, basis=basis) for basis in ("known", "effective"))
    assert [line["balance"] for line in known["data"]] == [1, 11, -89]
    assert [line["balance"] for line in effective["data"]] == [-100, -90, -89]
    assert known["closing_balance"] == effective["closing_balance"] == -89
    before_today = statement(api, one, 0, 3000)
    assert (before_today["entries"], before_today["closing_balance"]) == (0, 0)


_REFUSED: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "empty": ({"interval_start": 5, "interval_end": 5}, None, "interval_end"),
    "backwards": ({"interval_start": 6, "interval_end": 5}, None, "interval_end"),
    "open": ({"interval_start": 6}, "parameter_missing", "interval_end"),
    "unbegun": ({"interval_end": 6}, "parameter_missing", "interval_start"),
    "another basis": ({"interval_start": 1, "interval_end": 6, "basis": "x"}, None, "basis"),
    "another format": ({"interval_start": 1, "interval_end": 6, "format": "pdf"}, None, "format"),
}


@pytest.mark.parametrize(("params", "code", "param"), _REFUSED.values(), ids=_REFUSED.keys())
def test_what_is_no_interval_is_refused(
    api: Api, params: dict[str, Any], code: str | None, param: str
) -> None:
    answer = api.get(f"{ACCOUNTS}/{account(api)}/statement", **params)
    assert refused(answer) == (400, code, param)


def test_an_account_of_somebody_else_is_not_there_in_either_format(
    api: Api, other_api: Api
) -> None:
    strange = account(other_api)
    for kind in ("json", "csv"):
        answer = statement(api, strange, format=kind)
        assert refused(answer) == (404, "resource_missing", "account")


def test_an_account_of_payments_has_statements_too(api: Api) -> None:
    api.pay(2000)
    [gateway] = api.get(ACCOUNTS, code="gateway/*")["data"]
    found = statement(api, gateway["id"])
    assert [(line["type"], line["amount"]) for line in found["data"]] == [("charge", 2000)]


def test_a_file_has_a_name_and_rows_in_units_of_the_currency(api: Api) -> None:
    bank, sales = account(api), account(api)
    posted = move(api, bank, sales, 123_456, reference="r-1", description='Rent, "first" floor')
    move(api, sales, bank, 7)
    answer = written(api, bank, end=1_893_456_000)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    kept = f'attachment; filename="statement_{bank}_1970-01-01_2030-01-01.csv"'
    assert answer.headers["content-disposition"] == kept
    assert answer.headers["request-id"].startswith("req_")
    assert '"Rent, ""first"" floor",1234.56,,1234.56\r\n' in answer.text
    opening, first, second, closing = csv.DictReader(io.StringIO(answer.text, newline=""))
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(posted["created"]))
    nothing = {"transaction": "", "type": "", "reference": "", "debit": "", "credit": ""}
    assert opening == nothing | {
        "date": "1970-01-01T00:00:00Z",
        "description": "Opening balance",
        "balance": "0.00",
    }
    assert first == {
        "date": moment,
        "transaction": posted["id"],
        "type": "transfer",
        "reference": "r-1",
        "description": 'Rent, "first" floor',
        "debit": "1234.56",
        "credit": "",
        "balance": "1234.56",
    }
    assert (second["debit"], second["credit"], second["balance"]) == ("", "0.07", "1234.49")
    assert closing == nothing | {
        "date": "2030-01-01T00:00:00Z",
        "description": "Closing balance",
        "balance": "1234.49",
    }


@pytest.mark.parametrize(
    ("currency", "amount", "text"), [("jpy", 1200, "1200"), ("kwd", 5, "0.005"), ("eur", 5, "0.05")]
)
def test_a_file_has_as_many_decimals_as_the_currency(
    api: Api, currency: str, amount: int, text: str
) -> None:
    one, other = account(api, currency=currency), account(api, currency=currency)
    move(api, one, other, amount)
    assert rows(api, one)[1]["debit"] == text
    assert rows(api, other)[-1]["balance"] == f"-{text}"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_file_is_taken_for_a_formula(api: Api, start: str) -> None:
    one, other = account(api), account(api)
    words = f'{start}HYPERLINK("http://x","y")'
    move(api, one, other, 1, description=words, reference=f"{start}1")
    [_, row, _] = rows(api, one)
    assert (row["description"], row["reference"]) == (f"'{words}", f"'{start}1")


def test_many_lines_come_in_one_piece(api: Api) -> None:
    """More than are read at a time."""
    one, other = account(api), account(api)
    postings = [posting(one, other, amount) for amount in range(1, 701)]
    for _ in range(2):
        assert api.raw("POST", TRANSACTIONS, json={"postings": postings}).status == 200
    found = statement(api, one)
    amounts = [line["amount"] for line in found["data"]]
    assert amounts == [*range(1, 701)] * 2
    assert found["closing_balance"] == found["debits"] == sum(amounts)
    assert len(rows(api, one)) == 1402


_READING = (
    "FROM pg_stat_activity WHERE xact_start IS NOT NULL AND query LIKE 'FETCH%' "
    "AND datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def long_account(api: Api) -> str:
    """Its statement is some 25 MB."""
    one, other = account(api), account(api)
    for _ in range(5):
        body = {"postings": [posting(one, other, 1)] * 1000, "description": "x" * 5000}
        assert api.raw("POST", TRANSACTIONS, json=body).status == 200
    return one


@contextmanager
def _started(api: Api, account: str) -> Iterator[httpx.Response]:
    """A client that takes little at a time: the system would keep all of it for one that may."""
    narrow = httpx.HTTPTransport(
        verify=False, socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]
    )
    with (
        httpx.Client(base_url=api.url, transport=narrow, timeout=30) as client,
        client.stream(
            "GET",
            f"{ACCOUNTS}/{account}/statement",
            params={"interval_start": 0, "interval_end": SOON},
            headers={"Authorization": f"Bearer {api.key}"},
        ) as answer,
    ):
        yield answer


def _readings(database: psycopg.Connection) -> int:
    row = database.execute(f"SELECT count(*) {_READING}").fetchone()
    assert row is not None
    return int(row[0])


def test_who_goes_away_leaves_no_connection_in_use(
    api: Api, api_server: ApiServer, long_account: str
) -> None:
    with psycopg.connect(api_server.database_url, autocommit=True) as database:
        with _started(api, long_account) as answer:
            pieces = answer.iter_raw()  # left to itself, it would close the connection
            next(pieces)
            assert eventually(lambda: _readings(database) == 1)
        assert eventually(lambda: _readings(database) == 0)
    assert statement(api, long_account)["entries"] == 5000


def test_a_statement_whose_database_is_lost_is_broken_off(
    api: Api, api_server: ApiServer, long_account: str
) -> None:
    with (
        psycopg.connect(api_server.database_url, autocommit=True) as database,
        _started(api, long_account) as answer,
    ):
        pieces = answer.iter_raw()
        next(pieces)
        assert eventually(lambda: _readings(database) == 1)
        database.execute(f"SELECT pg_terminate_backend(pid) {_READING}")
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    assert statement(api, long_account)["entries"] == 5000
