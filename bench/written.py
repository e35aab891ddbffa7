"""The rows that one payment writes: what the database received, not what we think it did.

A payment is one transaction, so its rows are all those that carry its transaction number.
From them two things are made that write the same rows again under new ids: a function for
pgbench, which measures what this PostgreSQL can do with such payments at all, and a million
payments to grow a database with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from guilder_server.capabilities import SCHEMA

# A row that was there and counts: the limit is taken without.
_COUNTED = {"usage_counters"}
_STEM = re.compile(r"(?<=_)[0-9A-Za-z]{24}(?![0-9A-Za-z])")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Row = dict[str, str | None]  # column to its value as text


@dataclass(frozen=True)
class Leg:
    """An entry, with the account that it moved."""

    code: str
    currency: str
    normal_side: str
    amount: int


@dataclass(frozen=True)
class Written:
    """`rows` by table, the ledger's accounts and entries apart: those depend on what is there."""

    rows: Mapping[str, list[Row]]
    legs: list[Leg]
    transaction: str
    moment: str

    def count(self) -> int:
        return sum(map(len, self.rows.values())) + 2 * len(self.legs)

    def values(self, table: str, names: Names) -> list[str]:
        """Each row of a table as an SQL row, in the order of `columns`."""
        return [
            "(" + ", ".join(self._value(table, row, name, names) for name in row) + ")"
            for row in self.rows[table]
        ]

    def columns(self, table: str) -> str:
        return ", ".join(self.rows[table][0])

    def id(self, value: str, names: Names) -> str:
        """An SQL expression for `value` in which every id of this payment is a new one."""
        pieces, at = [], 0
        for found in _STEM.finditer(value):
            if found.group() in self._stems():
                number = self._stems().index(found.group())
                pieces += [_quoted(value[at : found.start()]), f"{names.stem} || '{number:02}'"]
                at = found.end()
        pieces.append(_quoted(value[at:]))
        return " || ".join(piece for piece in pieces if piece != "''")

    def _stems(self) -> list[str]:
        """The random parts of the ids that the payment made, each once."""
        ids = [row["id"] for rows in self.rows.values() for row in rows if row.get("id")]
        return list(dict.fromkeys(stem for id in ids for stem in _STEM.findall(id or "")))

    def _value(self, table: str, row: Row, name: str, names: Names) -> str:
        value = row[name]
        kind = SCHEMA.tables[table].columns[name].type
        if name == "tenant_id":
            return names.tenant
        if value is None:
            return f"NULL::{kind.compile(_DIALECT)}"
        if name == "customer_id":
            return names.customer
        if (table, name) == ("idempotency_keys", "key"):
            return "gen_random_uuid()::text"
        if name == "created":
            return names.moment
        if isinstance(kind, sa.Text):
            return self.id(value, names)
        return f"{_quoted(value)}::{kind.compile(_DIALECT)}"


@dataclass(frozen=True)
class Names:
    """SQL expressions for what differs from one payment to the next. `stem` has 22 characters
    that begin with the time, as ids do."""

    tenant: str
    customer: str
    moment: str
    stem: str


_DIALECT = sa.make_url("postgresql+psycopg://").get_dialect()()


MICROSECONDS = "(extract(epoch FROM {moment}) * 1000000)::bigint"


def stem(microseconds: str, rest: str) -> str:
    """What an id of that time begins with, as the application makes them, and 13 of `rest`."""
    digits = [
        f"substr('{_DIGITS}', ({microseconds} / {62**power} % 62)::int + 1, 1)"
        for power in reversed(range(9))
    ]
    return " || ".join([*digits, f"left({rest}, 13)"])


def written_with(connection: sa.Connection, intent: str) -> Written:
    """What the transaction that wrote this payment intent has written."""
    find = sa.text("SELECT xmin::text FROM payment_intents WHERE id = :id")
    number = connection.execute(find, {"id": intent}).scalar_one()
    rows: dict[str, list[Row]] = {}
    for table in SCHEMA.sorted_tables:
        if table.name in _COUNTED:
            continue
        names = [column.name for column in table.columns if column.computed is None]
        shown = ", ".join(f"{name}::text AS {name}" for name in names)
        found = connection.execute(
            sa.text(f"SELECT {shown} FROM {table.name} WHERE xmin::text = :number ORDER BY ctid"),
            {"number": number},
        )
        if here := [dict(row) for row in found.mappings()]:
            rows[table.name] = here
    for block in rows["ledger_blocks"]:
        # The database numbers them; the digests stay those of the one payment.
        block.pop("id")
    accounts = {row["id"]: row for row in rows.pop("ledger_accounts")}
    entries = rows.pop("ledger_entries")
    legs = []
    for entry in entries:
        account = accounts[entry["account_id"]]
        texts = [str(account[name]) for name in ("code", "currency", "normal_side")]
        legs.append(Leg(*texts, amount=int(str(entry["amount"]))))
    assert len(legs) == len(accounts), "an account was moved twice by one payment"
    created = str(rows["payment_intents"][0]["created"])
    return Written(rows, legs, str(entries[0]["transaction_id"]), created)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
