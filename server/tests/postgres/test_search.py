"""Stripe's search language: what is understood, what is refused, and what is found."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.infra.tables import CUSTOMERS, customers
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.steps import Page
from guilder_server.postgres import search
from guilder_server.postgres.search import Clause, Metadata, Moment, Number, Text, Token, parse
from tests.tenancy.database import STRANGER, TENANT, Database, opened

SECOND = 1_700_000_000
FIELDS: dict[str, search.Field] = {
    "created": Moment(customers.c.created),
    "email": Text(customers.c.email),
    "name": Text(customers.c.name),
    "card.last4": Token(customers.c.phone),
    "tax_exempt": Token(customers.c.tax_exempt),
    "version": Number(customers.c.version),
    "metadata": Metadata(customers.c.metadata),
}


@dataclass
class Read:
    """A clause as a test writes it."""

    field: str
    operator: str
    value: str | None
    key: str | None = None
    negated: bool = field(default=False)


def clauses(query: str) -> list[Read]:
    return [_read(clause) for clause in parse(query)[0]]


def _read(clause: Clause) -> Read:
    return Read(clause.field, clause.operator, clause.value, clause.key, clause.negated)


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ('email:"amy@rocketrides.io"', [Read("email", ":", "amy@rocketrides.io")]),
        ("email:'amy@rocketrides.io'", [Read("email", ":", "amy@rocketrides.io")]),
        ('name~"amy"', [Read("name", "~", "amy")]),
        ("version>=3", [Read("version", ">=", "3")]),
        ("version<-3", [Read("version", "<", "-3")]),
        ('version:"3"', [Read("version", ":", "3")]),
        ('-name:"a"', [Read("name", ":", "a", negated=True)]),
        ('card.last4:"4242"', [Read("card.last4", ":", "4242")]),
        ('metadata["order"]:"17"', [Read("metadata", ":", "17", key="order")]),
        ("metadata['a b']:'c'", [Read("metadata", ":", "c", key="a b")]),
        ('metadata["order"]:null', [Read("metadata", ":", None, key="order")]),
        ('-metadata["order"]:NULL', [Read("metadata", ":", None, key="order", negated=True)]),
        ('metadata["order"]:"null"', [Read("metadata", ":", "null", key="order")]),
        (r'name:"say \"hi\" \\ there"', [Read("name", ":", r'say "hi" \ there')]),
        ('name:"AND OR -x:1"', [Read("name", ":", "AND OR -x:1")]),
        ('name:""', [Read("name", ":", "")]),
        ('  name:"a"  ', [Read("name", ":", "a")]),
        ('name:"a" AND email:"b"', [Read("name", ":", "a"), Read("email", ":", "b")]),
        ('name:"a" and email:"b"', [Read("name", ":", "a"), Read("email", ":", "b")]),
        ('name:"a" email:"b"', [Read("name", ":", "a"), Read("email", ":", "b")]),
        ('name:"a"email:"b"', [Read("name", ":", "a"), Read("email", ":", "b")]),
        ('name:"a" -email:"b"', [Read("name", ":", "a"), Read("email", ":", "b", negated=True)]),
        ('orders:"a" andy:"b"', [Read("orders", ":", "a"), Read("andy", ":", "b")]),
    ],
)
def test_a_query_is_read_as_clauses(query: str, read: list[Read]) -> None:
    assert clauses(query) == read


@pytest.mark.parametrize(
    ("query", "by_or"),
    [
        ('name:"a"', False),
        ('name:"a" AND name:"b" name:"c"', False),
        ('name:"a" OR name:"b" or name:"c"', True),
    ],
)
def test_clauses_are_joined_by_and_unless_they_say_or(query: str, by_or: bool) -> None:
    assert parse(query)[1] is by_or


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "It is empty"),
        ("   ", "It is empty"),
        ("name", "Expected an operator after `name` at character 5, where it ends"),
        ("name=1", "Expected an operator after `name` at character 5, where `=` stands"),
        ("name:", "Expected a value after `name:` at character 6, where it ends"),
        ('name:"a', 'Expected a value after `name:` at character 6, where `"` stands'),
        (':"a"', "Expected a field name at character 1"),
        ('name:"a" AND', "It ends after `AND`"),
        ('OR name:"a"', "Expected an operator after `OR` at character 3"),
        ('name:"a" AND name:"b" OR name:"c"', "AND and OR cannot be combined in one query"),
        ('name:"a" name:"b" OR name:"c"', "AND and OR cannot be combined in one query"),
        ('(name:"a")', "Expected a field name at character 1, where `(` stands"),
        ("metadata[order]:'a'", "Expected a key in quotes"),
        ('metadata["order":"a"', "Expected a key in quotes"),
        ('metadata:"a"', 'Write metadata as metadata["key"]:"value"'),
        ('name["a"]:"b"', "Field `name` has no keys"),
        ('color:"red"', "Field `color` is an unsupported search field; there are `card.last4`,"),
        ("name:amy", "The value of `name` must be in quotes"),
        ("name~null", "The value of `name` must be in quotes"),
        ('name~"am"', "A substring must have at least 3 characters"),
        ('name>"amy"', "Field `name` does not support the operator `>`; it supports `:`, `~`"),
        ('tax_exempt~"none"', "Field `tax_exempt` does not support the operator `~`"),
        ('metadata["a"]~"bcd"', "Field `metadata` does not support the operator `~`"),
        ('version~"123"', "Field `version` does not support the operator `~`"),
        ("version:abc", "The value of `version` must be an integer"),
        ("version>1.5", "The value of `version` must be an integer"),
        ("version>9999999999999999999", "The value of `version` must be an integer"),
        ("created>null", "The value of `created` must be an integer"),
        ("created>-1", "The value of `created` must be from 0"),
        ("created>999999999999999", "The value of `created` must be from 0"),
        (" ".join(['name:"a"'] * 51), "It has 51 clauses"),
        ('name:"a" color:"b"', "(in the clause at character 10)"),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_wrong(query: str, why: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        search.compile_query(query, FIELDS)
    assert why in refused.value.message
    assert refused.value.param == "query"


@given(st.text(alphabet="abné \"'\\[]:~<>-ANDOR019.()=\n", max_size=40))
def test_any_query_is_either_understood_or_refused(query: str) -> None:
    with suppress(InvalidRequest):
        search.compile_query(query, FIELDS)


@given(st.text(min_size=3, max_size=20))
def test_values_never_become_part_of_the_statement(value: str) -> None:
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    query = f'name:{quoted} AND -email~{quoted} metadata["k"]:{quoted}'
    statement = sa.select(customers.c.id).where(search.compile_query(query, FIELDS))
    plain = sa.select(customers.c.id).where(
        search.compile_query('name:"abc" AND -email~"abc" metadata["k"]:"abc"', FIELDS)
    )
    assert str(statement.compile()) == str(plain.compile())


# Against PostgreSQL.


def _customer(number: int, **fields: object) -> Customer:
    created = datetime.fromtimestamp(SECOND, UTC) + timedelta(seconds=number, milliseconds=500)
    return Customer(f"cus_{number:03}", number, created, "AAA", **fields)


AMY = _customer(1, name="Amy", email="amy@rocketrides.io", metadata={"order": "17", "vip": "yes"})
BOB = _customer(2, name="50%_off", phone="4242", metadata={"order": "18"})
CYD = _customer(3, name="cyd 'x' \\ \"y\"", email="CYD@ROCKETRIDES.IO", tax_exempt="exempt")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, [CUSTOMERS]) as database:
        await database.keep(AMY, BOB, CYD)
        await database.keep(_customer(4, name="Amy", email="amy@example.com"), tenant=STRANGER)
        yield database


async def found(database: Database, query: str, limit: int = 10, page: str | None = None) -> Page:
    return await search.page(
        database.pool, CUSTOMERS, TENANT.id, query, FIELDS, limit=limit, page=page
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('name:"Amy"', [AMY]),
        ('name:"AMY"', [AMY]),
        ('name:"Am"', []),
        ('email~"rocketrides"', [CYD, AMY]),
        ('-email~"rocketrides"', [BOB]),
        ("email:null", [BOB]),
        ("-email:null", [CYD, AMY]),
        ('name~"0%_o"', [BOB]),
        ('name~"%_%"', []),
        ('name~"A_y"', []),
        (r'name~"\\ \"y"', [CYD]),
        ("name~\"'x'\"", [CYD]),
        ('card.last4:"4242"', [BOB]),
        ("card.last4:4242", [BOB]),
        ('card.last4:"424"', []),
        ('tax_exempt:"exempt"', [CYD]),
        ('-tax_exempt:"exempt"', [BOB, AMY]),
        ('metadata["order"]:"17"', [AMY]),
        ('-metadata["order"]:"17"', [CYD, BOB]),
        ('metadata["order"]:null', [CYD]),
        ('-metadata["order"]:null', [BOB, AMY]),
        ('metadata["\'); DROP TABLE customers; --"]:"1"', []),
        ("version:2", [BOB]),
        ("version>2", [CYD]),
        ("version<=2", [BOB, AMY]),
        ("-version:2", [CYD, AMY]),
        (f"created:{SECOND + 2}", [BOB]),
        (f"created>{SECOND + 2}", [CYD]),
        (f"created>={SECOND + 2}", [CYD, BOB]),
        (f"created<{SECOND + 2}", [AMY]),
        (f"created<={SECOND + 2}", [BOB, AMY]),
        ('metadata["order"]:"17" OR version:3', [CYD, AMY]),
        ('email~"rocketrides" metadata["vip"]:"yes"', [AMY]),
        ('email~"rocketrides" AND -name:"amy"', [CYD]),
    ],
)
async def test_a_query_finds_what_it_says(
    database: Database, query: str, expected: list[Customer]
) -> None:
    page = await found(database, query)
    assert list(page.items) == expected
    assert page.has_more is False
    assert page.next_page is None


@pytest.mark.anyio
async def test_pages_follow_each_other(database: Database) -> None:
    query = "version>0"
    first = await found(database, query, limit=2)
    assert list(first.items) == [CYD, BOB]
    assert first.has_more is True
    assert first.next_page is not None
    second = await found(database, query, limit=2, page=first.next_page)
    assert list(second.items) == [AMY]
    assert (second.has_more, second.next_page) == (False, None)


@pytest.mark.anyio
async def test_a_page_of_another_query_is_refused(database: Database) -> None:
    first = await found(database, "version>0", limit=1)
    with pytest.raises(InvalidRequest, match="another search query") as refused:
        await found(database, "version>1", page=first.next_page)
    assert refused.value.param == "page"


@pytest.mark.anyio
@pytest.mark.parametrize("token", ["x", "é", "AAAA", "%%%", "YWJj"])
async def test_an_invented_page_is_refused(database: Database, token: str) -> None:
    with pytest.raises(InvalidRequest, match="Invalid page") as refused:
        await found(database, "version>0", page=token)
    assert refused.value.param == "page"


@pytest.mark.anyio
async def test_the_index_on_emails_answers_a_search(database: Database) -> None:
    async with database.pool.point([TENANT.id]) as connection:  # these may not scan a table
        cursor = await connection.execute(
            "EXPLAIN SELECT id FROM customers WHERE tenant_id = %s AND email_folded = lower(%s)",
            [TENANT.id, "Ada@example.com"],
        )
    plan = "\n".join(line for (line,) in await cursor.fetchall())
    assert re.search(r"customers_email.*\n *Index Cond:.*email_folded = ", plan), plan
