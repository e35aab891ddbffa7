"""`guilder ledger verify --since FILE` looks at what is new, and holds the rest to what it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from guilder_server.ledger.verification import verify
from guilder_server.postgres.marks import Unreadable
from tests.ledger.keeping import account, moved
from tests.support.api import Api, ApiServer
from tests.support.chained import chain
from tests.support.postgres import TestDatabases
from tests.support.servers import run_guilder


@dataclass
class Books:
    api: Api
    url: str
    accounts: tuple[str, str]

    def post(self, amount: int) -> str:
        posted = moved(self.api, *self.accounts, amount)
        chain(self.url)
        return posted

    def tamper(self, statement: str) -> None:
        url = self.url.replace("://guilder@", "://postgres@")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(statement).rowcount == 1

    @property
    def name(self) -> str:
        return f"{self.api.account.account}/test"


@pytest.fixture(scope="module")
def books(postgres: TestDatabases) -> Iterator[Books]:
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        api = Api(server.url, server.open_account())
        yield Books(api, url, (account(api), account(api)))
        api.close()
        server.stop()


def _verified(books: Books, file: Path) -> int:
    return asyncio.run(verify(books.url, file))


def _remembered(books: Books, file: Path) -> int:
    found: int = json.loads(file.read_bytes())["chains"][books.name]["position"]
    return found


def test_the_file_says_how_far_the_ledger_was_found_sound(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sound.json"
    books.post(5)
    books.post(6)
    assert _verified(books, file) == 0
    assert "every transaction sums to zero" in capsys.readouterr().out
    position = _remembered(books, file)
    books.post(7)
    assert _verified(books, file) == 0
    told = capsys.readouterr().out
    assert "2 entries in 1 blocks" in told
    assert "no sums" in told
    assert _remembered(books, file) == position + 1
    assert [one.name for one in tmp_path.iterdir()] == ["sound.json"]


def test_what_is_new_and_altered_is_named_and_the_file_stays(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sound.json"
    books.post(5)
    assert _verified(books, file) == 0
    before = file.read_bytes()
    posted = books.post(7)
    change = (
        "UPDATE ledger_entries SET amount = amount {} 1 WHERE transaction_id = '{}' AND amount {} 0"
    )
    books.tamper(change.format("+", posted, ">"))
    assert _verified(books, file) == 1
    assert "its amount was 7 and is 8" in capsys.readouterr().err
    assert file.read_bytes() == before
    books.tamper(change.format("-", posted, ">"))
    assert _verified(books, file) == 0


def test_a_chain_that_became_shorter_or_another_is_found(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sound.json"
    books.post(5)
    assert _verified(books, file) == 0
    content = json.loads(file.read_bytes())
    mark = content["chains"][books.name]
    for name, changed, said in (
        (books.name, {**mark, "position": mark["position"] + 9}, "ends before"),
        (books.name, {**mark, "head": "00" * 32}, "does not pass through the head"),
        ("acct_gone/test", mark, "was remembered and is gone"),
    ):
        chains = {**content["chains"], name: changed}
        file.write_text(json.dumps({**content, "chains": chains}))
        assert _verified(books, file) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2, "chains": {}}'])
def test_a_file_that_is_something_else_is_left_alone(
    books: Books, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "other"
    file.write_text(content)
    with pytest.raises(Unreadable, match="Name another file"):
        _verified(books, file)
    assert file.read_text() == content
    done = (
        run_guilder(
            *("ledger", "verify", "--since", str(file)),
            settings={"GUILDER_DATABASE_URL": books.url},
        )
        if not content
        else None
    )
    assert done is None or (done.returncode, "Name another file" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("created = created + interval '1 second'", "signature"),
        ("created = created + interval '1 microsecond'", "signature"),
        ("signature = set_byte(signature, 0, get_byte(signature, 0) # 1)", "signature"),
        ("public_key = set_byte(public_key, 0, get_byte(public_key, 0) # 1)", "signature"),
        ("head = set_byte(head, 0, get_byte(head, 0) # 1)", "another head"),
        ("position = position + 1000", "no block"),
        ("transactions = transactions + 1", "transactions, the chain has"),
    ],
)
def test_a_checkpoint_that_was_altered_is_named(
    books: Books, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    books.post(5)
    last = "(SELECT max(id) FROM ledger_checkpoints)"
    with psycopg.connect(books.url) as connection:
        row = connection.execute(f"SELECT * FROM ledger_checkpoints WHERE id = {last}").fetchone()
        assert row is not None
    books.tamper(f"UPDATE ledger_checkpoints SET {change} WHERE id = {last}")
    assert asyncio.run(verify(books.url)) == 1
    complaint = capsys.readouterr().err
    assert f"checkpoint {row[1]} of tenant" in complaint
    assert said in complaint
    with psycopg.connect(books.url) as connection:
        connection.execute("DELETE FROM ledger_checkpoints WHERE id = %s", [row[1]])
        connection.execute(
            f"INSERT INTO ledger_checkpoints VALUES ({', '.join(['%s'] * len(row))})", row
        )
    assert asyncio.run(verify(books.url)) == 0
