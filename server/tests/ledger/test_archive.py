"""Books that were exported and imported are the same books."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guilder_server.capabilities import SCHEMA
from guilder_server.ledger.archive import Wrong, export, import_
from guilder_server.ledger.archive.lines import Account, Hold, Profile, Transaction
from guilder_server.ledger.verification import verify
from tests.ledger.keeping import ACCOUNTS, TRANSACTIONS, account, moved, posting
from tests.support.api import Api, ApiServer
from tests.support.chained import chain
from tests.support.operators import operator_of
from tests.support.postgres import TestDatabases
from tests.support.servers import run_guilder
from tests.wallets.keeping import capture, filled, hold, release, transfer, wallet

_LARGEST = 10**15


def _live(api: Api) -> None:
    """Something of everything that is posted, held, reversed and paid."""
    bank = account(api, "assets/bank", floor=-(10**15), metadata={"iban": "NL…", "b": "1"})
    sales = account(api, "sales", normal_side="credit", name="Verkäufe ☕")
    euros = account(api, "euros", currency="eur"), account(api, "more", currency="eur")
    first = moved(
        api,
        *(bank, sales, 500),
        reference="first",
        description='Für "Ada" \\ ☕\n',
        effective_at=1_700_000_000,
        metadata={"order": "6735", "a": "ü"},
    )
    moved(api, bank, sales, _LARGEST)
    for amount in (120, 30):
        api.post(f"{TRANSACTIONS}/{first}/reverse", amount=amount)
    pair = [posting(bank, sales, 30), posting(*euros, 20)]
    whole = api.post(TRANSACTIONS, postings=pair)["id"]
    api.post(f"{TRANSACTIONS}/{whole}/reverse")
    given = {"sold": "eur", "bought": "usd", "rate": "1.0837", "rounding": "down"}
    changed = [posting(*euros, 12), posting(bank, sales, 13)]
    for status in ("posted", "pending"):
        made = api.post(TRANSACTIONS, postings=changed, exchange=given, status=status)
        assert made.status == 200, made.body
    held = [moved(api, bank, sales, n, status="pending", reference=f"h{n}") for n in (11, 12, 13)]
    api.post(f"{TRANSACTIONS}/{held[0]}/post", amount=5)
    api.post(f"{TRANSACTIONS}/{held[1]}/void")
    api.post(f"{ACCOUNTS}/{account(api, 'past')}", status="closed")
    paid = api.pay(2000)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=500)
    api.pay(999, currency="jpy")
    purse, other = filled(api, 5000, limits={"per_day": 4000}), wallet(api)
    transfer(api, purse, other, 300)
    # What is held of a wallet stays behind with its holds.
    release(api, hold(api, purse, 200))
    capture(api, hold(api, purse, 200, destination=other), amount=50)
    api.pay(amount=2000, wallet=purse, wallet_amount=700)


@dataclass
class Books:
    server: ApiServer
    source: Api

    @property
    def url(self) -> str:
        return self.server.database_url

    def written(self, account: str) -> list[bytes]:
        file = io.BytesIO()
        export(self.url, account, livemode=False, write=file.write)
        return file.getvalue().splitlines(keepends=True)

    def read(self, account: str, lines: list[bytes]) -> Any:
        return import_(self.url, account, livemode=False, file=io.BytesIO(b"".join(lines)))

    def rows(self, account: str) -> dict[str, int]:
        with psycopg.connect(self.url) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relname LIKE 'ledger_%' AND relkind = 'r'"
            ).fetchall()
            counts = {}
            for (table,) in tables:
                row = connection.execute(
                    f"SELECT count(*) FROM {table} JOIN tenants t ON t.id = tenant_id "
                    "WHERE t.account_id = %s AND NOT t.livemode",
                    [account],
                ).fetchone()
                assert row is not None
                counts[table] = row[0]
        return counts

    def new(self) -> Api:
        return Api(self.server.url, self.server.open_account())


@pytest.fixture(scope="module")
def books(postgres: TestDatabases) -> Iterator[Books]:
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        source = Api(server.url, server.open_account())
        _live(source)
        chain(url)
        moved(source, account(source), account(source), 3)  # which has no place yet
        yield Books(server, source)
        source.close()
        server.stop()


@pytest.fixture(scope="module")
def lines(books: Books) -> list[bytes]:
    return books.written(books.source.account.account)


def _without_head(lines: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    head = json.loads(lines[0])
    for name in ("account", "created", "checkpoint"):
        head.pop(name)
    return head, lines[1:]


def test_an_export_that_was_imported_is_exported_as_the_same_bytes(
    books: Books, lines: list[bytes]
) -> None:
    target = books.new()
    done = books.read(target.account.account, lines)
    assert asyncio.run(verify(books.url)) == 0
    again = books.written(target.account.account)
    assert _without_head(again) == _without_head(lines)
    end = json.loads(lines[-1])
    assert (done.position, done.head) == (end["position"], end["head"])
    assert done.transactions == end["transactions"] > 10
    # It lives on: callers post, payments pay, the chain goes on.
    chain(books.url)
    bank = target.get(ACCOUNTS, code="assets/bank")["data"][0]
    assert bank == books.source.get(f"{ACCOUNTS}/{bank['id']}").body
    pending = next(one for one in map(json.loads, lines) if one.get("status") == "pending")
    posted = target.post(f"{TRANSACTIONS}/{pending['id']}/post")
    assert posted.status == 200, posted.body
    refused = moved_with_reference(target, bank["id"])
    assert refused == "ledger_reference_taken"
    target.pay(700)
    chain(books.url)
    assert asyncio.run(verify(books.url)) == 0
    assert target.get("/v1/ledger/checkpoints")["data"][0]["position"] == end["position"] + 2


def moved_with_reference(api: Api, bank: str) -> str | None:
    other = account(api, "other")
    answer = api.post(TRANSACTIONS, postings=[posting(bank, other, 1)], reference="first")
    return str(answer.error["code"])


def test_rebuilt_rows_are_those_that_were_there(books: Books, lines: list[bytes]) -> None:
    target = books.new()
    books.read(target.account.account, lines)
    with psycopg.connect(books.url) as connection:
        for table, left_out in (
            ("ledger_accounts", ("id",)),
            ("ledger_profiles", ()),
            # Made a moment before or after the transaction that it is made of.
            ("ledger_reversals", ("created",)),
            ("ledger_references", ("created",)),
            ("ledger_holds", ()),
        ):
            source, copy = (
                sorted(
                    str(row[0])
                    for row in connection.execute(
                        f"SELECT to_jsonb(x) - 'tenant_id' - %s::text[] FROM {table} x "
                        "WHERE tenant_id = %s",
                        [list(left_out), api.account.tenant_id],
                    )
                )
                for api in (books.source, target)
            )
            assert source == copy, table
            assert source


def _another(line: bytes) -> bytes:
    """The line with one digit or letter another."""
    at = next(n for n in range(len(line) // 2, len(line)) if line[n : n + 1].isalnum())
    return line[:at] + (b"1" if line[at : at + 1] != b"1" else b"2") + line[at + 1 :]


def test_a_line_that_was_damaged_is_named_and_nothing_is_left_behind(
    books: Books, lines: list[bytes]
) -> None:
    target = books.new()
    for number in range(2, len(lines) + 1):
        damaged = [*lines]
        damaged[number - 1] = _another(lines[number - 1])
        with pytest.raises(Wrong, match=rf"^line {number}: "):
            books.read(target.account.account, damaged)
    assert not any(books.rows(target.account.account).values())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[:-1], "the file ends before its last line"),
        (lambda lines: [*lines, b"\n"], "there is something after the last line"),
        (lambda lines: [b"{}\n", *lines[1:]], "line 1: this is no export of a ledger"),
        (lambda lines: [lines[0].replace(b'"format":1', b'"format":2'), *lines[1:]], "format 2"),
        (lambda lines: [b"\xff\n", *lines[1:]], "line 1: this is no export of a ledger"),
        (lambda lines: [], "line 1: the file ends"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: it is not as it was written"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 4: it is not as it was written"),
    ],
)
def test_a_file_that_is_no_whole_export_is_refused(
    books: Books, lines: list[bytes], change: Any, reason: str
) -> None:
    target = books.new()
    with pytest.raises(Wrong, match=reason):
        books.read(target.account.account, change(lines))
    assert not any(books.rows(target.account.account).values())


def _signed_anew(lines: list[bytes]) -> list[bytes]:
    """As somebody would who alters the books on purpose: with checks that are right."""
    from hashlib import sha256

    whole, made = sha256(), [lines[0]]
    for line in lines[1:]:
        plain = line[: line.rindex(b',"check"')] + b"}"
        whole.update(plain)
        check = whole.copy().hexdigest()[:8].encode()
        made.append(plain[:-1] + b',"check":"' + check + b'"}\n')
    return made


@pytest.mark.parametrize(
    ("kind", "old", "new", "reason"),
    [
        ("transaction", b'"created":1', b'"created":2', "the transaction is not as it was"),
        ("transaction", b",500,", b",501,", "entry . of the transaction is not as it was"),
        ("block", b'"digest":"', b'"digest":"0', "cannot be understood|head does not follow"),
        ("block", b'"position":', b'"position":9', "the block is at"),
        ("account", b'"code":"', b'"code":"x', "do not add up|no line has opened"),
        ("hold", b'"status":"pending"', b'"status":"voidd"', "cannot be understood"),
        ("end", b'"entries":', b'"entries":9', "its counts and totals"),
    ],
)
def test_what_was_altered_on_purpose_is_refused(
    books: Books, lines: list[bytes], kind: str, old: bytes, new: bytes, reason: str
) -> None:
    at = next(
        n for n, line in enumerate(lines) if f'"kind":"{kind}"'.encode() in line and old in line
    )
    altered = _signed_anew([*lines[:at], lines[at].replace(old, new, 1), *lines[at + 1 :]])
    target = books.new()
    with pytest.raises(Wrong, match=reason):
        books.read(target.account.account, altered)
    assert not any(books.rows(target.account.account).values())


def test_books_that_do_not_rest_are_exported_as_of_one_moment(books: Books) -> None:
    source = books.new()
    bank, sales = account(source, "bank"), account(source, "sales")
    stop = threading.Event()

    def live() -> None:
        while not stop.is_set():
            held = moved(source, bank, sales, 7, status="pending")
            moved(source, bank, sales, 3)
            source.post(f"{TRANSACTIONS}/{held}/post")

    living = threading.Thread(target=live)
    living.start()
    exports = []
    try:
        for _ in range(5):
            chain(books.url)
            exports.append(books.written(source.account.account))
    finally:
        stop.set()
        living.join()
    for lines in exports:
        target = books.new()
        books.read(target.account.account, lines)
        assert _without_head(books.written(target.account.account)) == _without_head(lines)
    chain(books.url)
    assert asyncio.run(verify(books.url)) == 0


def _columns(table: str) -> set[str]:
    return {column.name for column in SCHEMA.tables[table].columns} - {"tenant_id"}


def test_every_column_of_what_is_exported_is_in_a_line() -> None:
    """What of a row is left out follows from other rows."""
    transaction = set(Transaction.__struct_fields__) - {"type", "entries"}
    assert transaction | {"kind"} == _columns("ledger_transactions")
    assert set(Hold.__struct_fields__) == _columns("ledger_holds")
    account = set(Account.__struct_fields__) - {"profile"}
    follows = {"balance", "version", "posted_at", "held_debits", "held_credits", "public_id"}
    assert account | follows == _columns("ledger_accounts")
    named = {"id", "code", "currency", "normal_side", "floor", "ceiling"}
    assert set(Profile.__struct_fields__) | named == _columns("ledger_profiles")


def test_books_are_not_mixed(books: Books, lines: list[bytes]) -> None:
    with pytest.raises(Wrong, match="has a ledger already"):
        books.read(books.source.account.account, lines)
    target = books.new()
    account(target)
    with pytest.raises(Wrong, match="has a ledger already"):
        books.read(target.account.account, lines)
    with pytest.raises(Wrong, match="There is no account acct_none"):
        books.read("acct_none", lines)


def test_empty_books_are_exported_and_imported(books: Books) -> None:
    one, other = books.new(), books.new()
    lines = books.written(one.account.account)
    assert len(lines) == 2
    assert books.read(other.account.account, lines).position == 0
    assert _without_head(books.written(other.account.account)) == _without_head(lines)


def test_the_commands_write_a_file_and_read_it(books: Books, tmp_path: Path) -> None:
    settings = {"GUILDER_DATABASE_URL": books.url}
    file = tmp_path / "books.ndjson"
    tenant = ("--account", books.source.account.account, "--mode", "test")
    done = run_guilder("ledger", "export", *tenant, "--output", str(file), settings=settings)
    assert done.returncode == 0, done.stderr
    target = ("--account", books.new().account.account, "--mode", "test")
    assert [one.name for one in tmp_path.iterdir()] == ["books.ndjson"]
    done = run_guilder("ledger", "import", *target, str(file), settings=settings)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_bytes().splitlines()[0])["head"] in done.stdout
    nowhere = str(tmp_path / "nowhere" / "file")
    for arguments in (
        ("import", *target, nowhere),
        ("export", *tenant, "--output", nowhere),
        ("verify", "--since", nowhere),
    ):
        done = run_guilder("ledger", *arguments, settings=settings)
        assert done.returncode == 2, done.stderr
        assert "No such file or directory." in done.stderr or "there is no folder" in done.stderr
        assert "Traceback" not in done.stderr
    again = run_guilder("ledger", "import", *target, str(file), settings=settings)
    assert again.returncode == 1
    assert "has a ledger already" in again.stderr


def test_books_come_into_an_account_that_nobody_has_a_key_for(
    books: Books, lines: list[bytes]
) -> None:
    account = operator_of(books.server.database_url).account()
    assert books.read(account, lines).transactions > 0
