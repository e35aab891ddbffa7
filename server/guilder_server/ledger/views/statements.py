"""Statements as programs and as accountants read them, piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.currencies import in_units
from guilder_server.ledger.domain.account import entry_id
from guilder_server.ledger.domain.statement import Line, Statement
from guilder_server.ledger.ports import Reading

Reader: TypeAlias = AbstractAsyncContextManager[Reading]
Chunks: TypeAlias = AsyncGenerator[bytes, None]
# All of a statement but its lines, with `data`, its last field, still empty.
Head: TypeAlias = Callable[[Statement], object]
Shown: TypeAlias = Callable[[Line], object]

_encode = msgspec.json.Encoder().encode
_COLUMNS = (
    *("date", "transaction", "type", "reference", "description", "debit", "credit", "balance"),
)
# What a spreadsheet would take for a formula, or for the way to one.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def view_statement(statement: Statement) -> wire.LedgerStatement:
    account, period = statement.account, statement.period
    return {
        "object": "ledger_statement",
        "account": account.id,
        "basis": period.basis,
        "closing_balance": statement.closing,
        "code": account.code,
        "credits": statement.credits,
        "currency": account.currency,
        "debits": statement.debits,
        "entries": statement.entries,
        "interval_end": unix(period.end),
        "interval_start": unix(period.start),
        "name": account.name,
        "normal_side": account.normal_side,
        "opening_balance": statement.opening,
        "data": [],
    }


def view_line(line: Line) -> wire.LedgerStatementLine:
    return {
        "id": entry_id(line.account, line.version),
        "amount": abs(line.amount),
        "balance": line.balance,
        "created": unix(line.posted_at),
        "description": line.description,
        "direction": "debit" if line.amount > 0 else "credit",
        "effective_at": unix(line.effective_at),
        "reference": line.reference,
        "transaction": line.transaction,
        "type": line.kind,
    }


async def as_json(reader: Reader, head: Head = view_statement, shown: Shown = view_line) -> Chunks:
    async with reader as reading:
        yield _encode(head(reading.statement)).removesuffix(b"]}")
        between = b""
        async for lines in reading.lines:
            yield between + _encode([shown(line) for line in lines])[1:-1]
            between = b","
    yield b"]}"


def _as_posted(line: Line) -> str:
    return line.kind


async def as_csv(reader: Reader, type_of: Callable[[Line], str] = _as_posted) -> Chunks:
    """In the currency's units, as exact decimals; the balances before and after are rows too."""
    async with reader as reading:
        statement = reading.statement
        currency, period = statement.account.currency, statement.period
        yield _rows([_COLUMNS, _held(period.start, "Opening balance", statement.opening, currency)])
        async for lines in reading.lines:
            yield _rows(_row(line, type_of(line), currency, statement) for line in lines)
        yield _rows([_held(period.end, "Closing balance", statement.closing, currency)])


def _row(line: Line, type: str, currency: str, statement: Statement) -> Sequence[str]:
    amount = in_units(abs(line.amount), currency)
    known = statement.period.basis == "known"
    return (
        _date(line.posted_at if known else line.effective_at),
        line.transaction,
        type,
        _harmless(line.reference or ""),
        _harmless(line.description or ""),
        amount if line.amount > 0 else "",
        amount if line.amount < 0 else "",
        in_units(line.balance, currency),
    )


def _held(instant: datetime, words: str, balance: int, currency: str) -> Sequence[str]:
    return (_date(instant), "", "", "", words, "", "", in_units(balance, currency))


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _date(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
