"""Stripe's search language, as conditions on columns.

    email~"example" AND -name:"Jane" created>=1700000000
    metadata["order"]:"1234" OR metadata["order"]:null

A clause is a field, an operator and a value. Clauses are joined by AND (or by nothing) or by
OR, never by both, and a `-` before a clause negates it. Which fields there are, and what may
be asked of each, a capability says with `Text`, `Token`, `Number`, `Moment` and `Metadata`.

Values reach the database as parameters, never as a part of the statement.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.steps import Page
from guilder_server.postgres.listing import Condition, fetch, select
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool

MOST_CLAUSES = 50
LEAST_SUBSTRING = 3
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ":": lambda column, value: column == value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as it was written, beginning at the character `position`.

    `value` is None for null. `quoted` tells "17" from 17.
    """

    field: str
    key: str | None
    operator: str
    value: str | None
    quoted: bool
    negated: bool
    position: int

    def refuse(self, why: str) -> NoReturn:
        raise _wrong(f"{why} (in the clause at character {self.position + 1})")

    def allow(self, *operators: str) -> None:
        if self.operator not in operators:
            known = ", ".join(f"`{operator}`" for operator in operators)
            self.refuse(
                f"Field `{self.field}` does not support the operator `{self.operator}`; "
                f"it supports {known}"
            )

    def words(self) -> str:
        """The value of a field whose values are text. Digits may go without quotes, as in
        last4:4242."""
        bare = not self.quoted and not (self.value or "").isdecimal()
        if self.value is None or bare:
            self.refuse(
                f'The value of `{self.field}` must be in quotes, as in {self.field}:"value"'
            )
        return self.value

    def number(self, lowest: int, highest: int) -> int:
        if self.value is None or not re.fullmatch(r"-?[0-9]{1,18}", self.value):
            self.refuse(f"The value of `{self.field}` must be an integer")
        number = int(self.value)
        if not lowest <= number <= highest:
            self.refuse(f"The value of `{self.field}` must be from {lowest} to {highest}")
        return number


class Field(Protocol):
    def condition(self, clause: Clause) -> Condition:
        """What the clause asks of a row, its negation left aside."""


@dataclass(frozen=True)
class Text:
    """Words of people: equal without regard to case, or containing some. `folded` is the column
    that has them in lower case, if an index knows it."""

    column: sa.ColumnElement[Any]
    folded: sa.ColumnElement[Any] | None = None

    def condition(self, clause: Clause) -> Condition:
        clause.allow(":", "~")
        if clause.operator == ":":
            if clause.value is None:
                return self.column.is_(None)
            folded = sa.func.lower(self.column) if self.folded is None else self.folded
            equal: Condition = folded == sa.func.lower(clause.words())
            return equal
        part = clause.words()
        if len(part) < LEAST_SUBSTRING:
            clause.refuse(f"A substring must have at least {LEAST_SUBSTRING} characters")
        return self.column.icontains(part, autoescape=True)


@dataclass(frozen=True)
class Token:
    """Words of the system, such as a status, a currency or an id: equal or not."""

    column: sa.ColumnElement[Any]

    def condition(self, clause: Clause) -> Condition:
        clause.allow(":")
        if clause.value is None:
            return self.column.is_(None)
        return self.column == clause.words()


@dataclass(frozen=True)
class Number:
    column: sa.ColumnElement[Any]

    def condition(self, clause: Clause) -> Condition:
        clause.allow(*_COMPARE)
        if clause.value is None:
            clause.allow(":")
            return self.column.is_(None)
        number = clause.number(-(10**18), 10**18)
        compared: Condition = _COMPARE[clause.operator](self.column, number)
        return compared


@dataclass(frozen=True)
class Moment:
    """A point in time, asked for in whole seconds since 1970."""

    column: sa.ColumnElement[Any]

    def condition(self, clause: Clause) -> Condition:
        clause.allow(*_COMPARE)
        second = datetime.fromtimestamp(clause.number(0, _LAST_SECOND - 1), UTC)
        after = second + timedelta(seconds=1)
        match clause.operator:
            case ">":
                return self.column >= after
            case ">=":
                return self.column >= second
            case "<":
                return self.column < second
            case "<=":
                return self.column < after
            case _:
                return sa.and_(self.column >= second, self.column < after)


@dataclass(frozen=True)
class Metadata:
    """`metadata["key"]:"value"`; with null, the key is not there. The column is a jsonb."""

    column: Any

    def condition(self, clause: Clause) -> Condition:
        clause.allow(":")
        if clause.value is None:
            has_key: Condition = self.column.has_key(clause.key)
            return sa.not_(has_key)
        # Containment is what an index of the column can answer.
        pair = msgspec.json.encode({clause.key: clause.words()}).decode()
        contains: Condition = self.column.contains(sa.cast(sa.literal(pair, sa.Text), JSONB))
        return contains


async def page(
    pool: Pool,
    mapping: Mapping[Any],
    tenant_id: int,
    query: str,
    fields: Dict[str, Field],
    conditions: Sequence[Condition] = (),
    limit: int = 10,
    page: str | None = None,
) -> Page:
    """The objects of `mapping` that match `query` and meet `conditions`, newest first."""
    table = mapping.table
    bounds = [table.c.tenant_id == tenant_id, *conditions, compile_query(query, fields)]
    if page is not None:
        bounds.append(table.c.id < _open_token(page, query))
    statement = select(mapping).where(*bounds).order_by(table.c.id.desc()).limit(limit + 1)
    async with pool.query(tenant_id) as connection:
        rows = await fetch(connection, statement)
    items = [mapping.load(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, more, next_page=_token(items[-1].id, query) if more else None)


def compile_query(query: str, fields: Dict[str, Field]) -> Condition:
    """The whole query as one condition. Raises InvalidRequest saying what is wrong and where."""
    clauses, joined_by_or = parse(query)
    conditions = [_condition(clause, fields) for clause in clauses]
    return sa.or_(*conditions) if joined_by_or else sa.and_(*conditions)


def _condition(clause: Clause, fields: Dict[str, Field]) -> Condition:
    field = fields.get(clause.field)
    if field is None:
        known = ", ".join(f"`{name}`" for name in sorted(fields))
        clause.refuse(f"Field `{clause.field}` is an unsupported search field; there are {known}")
    if isinstance(field, Metadata) != (clause.key is not None):
        clause.refuse(
            'Write metadata as metadata["key"]:"value"'
            if clause.key is None
            else f"Field `{clause.field}` has no keys"
        )
    condition = field.condition(clause)
    # Where a column is null a comparison is neither true nor false; its negation is true.
    return condition.is_not(True) if clause.negated else condition


_BLANK = re.compile(r"\s*")
_JOIN = re.compile(r"(?i:(and|or))(?=[\s-]|\Z)")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_KEY = re.compile(r"""\[\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\]""", re.DOTALL)
_OPERATOR = re.compile(r">=|<=|:|~|>|<")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)
_BARE = re.compile(r"[^\s\"'()\[\]:~<>]+")


def parse(query: str) -> tuple[list[Clause], bool]:
    """The clauses, and whether they are joined by OR."""
    clauses: list[Clause] = []
    joins: set[str] = set()
    at = _after_blank(query, 0)
    while at < len(query):
        clause, at = _clause(query, at)
        clauses.append(clause)
        at = _after_blank(query, at)
        if at == len(query):
            break
        join = _JOIN.match(query, at)
        joins.add(join[1].lower() if join else "and")
        if len(joins) > 1:
            raise _wrong(f"AND and OR cannot be combined in one query (at character {at + 1})")
        if join:
            at = _after_blank(query, join.end())
            if at == len(query):
                raise _wrong(f"It ends after `{join[1]}`, where a clause is missing")
    if not clauses:
        raise _wrong("It is empty")
    if len(clauses) > MOST_CLAUSES:
        raise _wrong(f"It has {len(clauses)} clauses; {MOST_CLAUSES} are allowed")
    return clauses, joins == {"or"}


def _clause(query: str, start: int) -> tuple[Clause, int]:
    negated = query.startswith("-", start)
    at = start + negated
    field = _expect(_FIELD, query, at, "a field name")
    at = field.end()
    key = None
    if query.startswith("[", at):
        found = _expect(_KEY, query, at, 'a key in quotes, as in metadata["key"]')
        key, at = _unescaped(found[1][1:-1]), found.end()
    operator = _expect(_OPERATOR, query, at, f"an operator after `{field[0]}`")
    at = operator.end()
    quoted = _QUOTED.match(query, at)
    value: str | None
    if quoted:
        value = _unescaped(quoted[1] if quoted[1] is not None else quoted[2])
        at = quoted.end()
    else:
        bare = _expect(_BARE, query, at, f"a value after `{field[0]}{operator[0]}`")
        value, at = (None if bare[0].lower() == "null" else bare[0]), bare.end()
    return Clause(field[0], key, operator[0], value, quoted is not None, negated, start), at


def _expect(pattern: re.Pattern[str], query: str, at: int, what: str) -> re.Match[str]:
    found = pattern.match(query, at)
    if found is None:
        there = f"`{query[at]}` stands" if at < len(query) else "it ends"
        raise _wrong(f"Expected {what} at character {at + 1}, where {there}")
    return found


def _after_blank(query: str, at: int) -> int:
    blank = _BLANK.match(query, at)
    return blank.end() if blank else at


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _wrong(why: str) -> InvalidRequest:
    return InvalidRequest(
        "parameter_invalid",
        f"The search query cannot be read. {why}. Write "
        '`metadata["key"]:"value"` to look into metadata, `field:"value"` for any other '
        "field.",
        "query",
    )


def _token(last: str, query: str) -> str:
    """Where the next page begins. It holds for the same query only."""
    return urlsafe_b64encode(f"{zlib.crc32(query.encode()):08x}{last}".encode()).decode()


def _open_token(token: str, query: str) -> str:
    try:
        opened = urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        opened = ""
    if not re.fullmatch(r"[0-9a-f]{8}[A-Za-z0-9_]+", opened):
        raise InvalidRequest(
            "parameter_invalid", "Invalid page: use the `next_page` of the page before.", "page"
        )
    if opened[:8] != f"{zlib.crc32(query.encode()):08x}":
        raise InvalidRequest(
            "parameter_invalid", "This page belongs to another search query.", "page"
        )
    return opened[8:]
