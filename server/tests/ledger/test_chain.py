"""Whatever was committed is in the chain, and whatever is altered afterwards is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.heads import GENESIS
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import chain
from guilder_server.ledger.domain.exchanges import Quote
from guilder_server.ledger.infra.blocks import canonical
from guilder_server.ledger.infra.chaining import PostgresChain
from guilder_server.ledger.infra.tables import entries, transactions
from guilder_server.ledger.verification.blame import _ENTRY, _HEADER
from guilder_server.postgres.pool import Pool
from tests.ledger.altering import Books, laid_open
from tests.ledger.desk import NOON, Desk, opened, refusal, wish
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

EXAMPLES = (settings.default.max_examples if settings.default else 100) // 2
_SLOW = list(HealthCheck)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(_JSON.filter(lambda value: value is not None))
@settings(max_examples=EXAMPLES)
def test_canonical_json_is_what_the_standard_library_writes(value: Any) -> None:
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == plain


_TEXTS = st.none() | st.text(max_size=9)
_INSTANTS = st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_HEADERS = st.tuples(
    *[st.text(max_size=9)] * 3,
    *[_INSTANTS] * 2,
    *[_TEXTS] * 2,
    st.none() | _INSTANTS,
    *[_TEXTS] * 5,
)


@given(_HEADERS, _HEADERS)
def test_two_headers_have_the_same_line_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (chain.header(*one) == chain.header(*other)) == (one == other)


def test_a_line_is_as_it_is_documented() -> None:
    assert chain.entry("é/1", "usd", 3, -500, 20, NOON, None).decode() == (
        "e13:é/13:usd3,-500,20,1795176000000000,-\n"
    )


def test_every_column_but_the_tenants_is_in_a_line() -> None:
    """A new column of either table has to be added to its line."""
    assert {*_HEADER, "tenant_id"} == {column.name for column in transactions.columns}
    own = {column.name for column in entries.columns} - {"tenant_id"}
    # The account by its code and currency; the transaction by the header above.
    assert {*_ENTRY} - {"code", "currency"} == own - {"account_id", "transaction_id"}


@dataclass
class Kept:
    desk: Desk
    url: str
    superuser_url: str

    async def chain(self) -> None:
        await PostgresChain(self.desk.ground.pool).extend()


@pytest.fixture(scope="module")
async def kept(postgres: TestDatabases) -> AsyncIterator[Kept]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield Kept(desk, url, url.replace("://guilder@", "://postgres@"))


async def _live(desk: Desk, tenant: Tenant) -> None:
    """Something of everything that callers do."""
    bank, sales, till = [
        await desk.open(tenant, code, normal_side=side)
        for code, side in (("bank", "debit"), ("sales", "credit"), ("till", "debit"))
    ]
    euros = [await desk.open(tenant, code, currency="eur") for code in ("euros", "more")]
    first = await desk.post(
        tenant,
        (bank, sales, 500),
        reference="first",
        description="für Ada ☕",
        metadata={"order": "6735", "b": "ü"},
        effective_at=NOON - timedelta(days=9),
    )
    await desk.post(tenant, (bank, till, 10**15), (till, bank, 7), (bank, till, 1))
    await desk.reverse(tenant, first.id, 120)
    quote = Quote("1.0837", "eur", "usd", "down")
    await desk.post(tenant, (*euros, 12), (bank, till, 13), exchange=quote)
    await asyncio.gather(*(desk.post(tenant, (till, sales, n)) for n in range(1, 5)))
    await desk.post(tenant, (bank, sales, 30), (euros[0], euros[1], 20))
    pending = [await desk.post(tenant, (bank, sales, 11), pending=True) for _ in range(2)]
    await desk.carry_out(lambda: desk.house.holds.post(tenant, pending[0].id, 5))


@pytest.fixture(scope="module")
async def books(kept: Kept) -> AsyncIterator[Books]:
    """Of two tenants, all chained but the last block, with a checkpoint."""
    desk = kept.desk
    tenants = [desk.tenant() for _ in range(2)]
    for tenant in tenants:
        await _live(desk, tenant)
    await kept.chain()
    till = await desk.open(tenants[0], "late/till")
    await desk.post(tenants[0], (till, await desk.open(tenants[0], "late/bank"), 5))
    async with laid_open(kept.superuser_url) as books:
        yield books


async def test_what_was_committed_is_found_as_it_was(books: Books) -> None:
    assert await books.difference() is None


_OTHER = {
    "bigint": "({0} + 1)",
    "text": "({0} || 'x')",
    "timestamp with time zone": "({0} + interval '1 microsecond')",
    "jsonb": "'[\"other\"]'",
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
}
_WHEN_NULL = {
    "bigint": "77",
    "text": "''",
    "timestamp with time zone": "to_timestamp(0)",
    "jsonb": "'{{}}'",
    "bytea": "'\\x00'",
}
# What becomes of it depends on nothing that is said here: blocks are taken in this order once.
_SAYS_NOTHING = {("ledger_blocks", "id")}
TABLES = ("ledger_transactions", "ledger_entries", "ledger_blocks")


async def _places(books: Books) -> dict[str, tuple[dict[str, str], list[dict[str, Any]]]]:
    return {table: (await books.columns(table), await books.rows(table)) for table in TABLES}


def _named(table: str, column: str, row: dict[str, Any]) -> str:
    """What the sentence has to say, whatever else it says."""
    if table == "ledger_blocks":
        return "tenant"
    return str(row["transaction_id" if table == "ledger_entries" else "id"])


@given(data=st.data())
@settings(max_examples=3 * EXAMPLES, suppress_health_check=_SLOW, deadline=None)
async def test_any_column_of_any_row_that_is_altered_is_named(
    books: Books, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(TABLES))
    columns, rows = (await _places(books))[table]
    column = data.draw(
        st.sampled_from([name for name in columns if (table, name) not in _SAYS_NOTHING])
    )
    row = data.draw(st.sampled_from(rows))
    kind = columns[column]
    other = (_WHEN_NULL if row[column] is None else _OTHER)[kind].format(column)
    if (
        row[column] is not None
        and data.draw(st.booleans())
        and await _nullable(books, table, column)
    ):
        other = "NULL"
    if column == "amount":
        other = "2 * amount"  # one more may be zero, which no entry can be
    if column in ("account_id", "tenant_id", "version"):
        # Where there is nothing yet.
        other = f"{column} + 1000000"
    if (table, column) == ("ledger_blocks", "position") and other != "NULL":
        other = "1000"
    statement = f"UPDATE {table} SET {column} = {other} WHERE ctid = %s::tid"
    async with books.altered(statement, row["ctid"]):
        sentence = await books.difference()
    assert sentence is not None, statement
    assert _named(table, column, row) in sentence, (statement, sentence)


async def _nullable(books: Books, table: str, column: str) -> bool:
    query = "SELECT NOT attnotnull FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"
    return bool((await books._rows(query, [table, column]))[0][0])


@pytest.mark.parametrize("table", TABLES)
async def test_any_row_that_is_deleted_is_named(books: Books, table: str) -> None:
    for row in await books.rows(table):
        async with books.altered(f"DELETE FROM {table} WHERE ctid = %s::tid", row["ctid"]):
            sentence = await books.difference()
        assert sentence is not None, row
        if table != "ledger_blocks":
            assert _named(table, "", row) in sentence
            assert "is gone" in sentence


async def test_an_entry_that_is_deleted_is_named_by_its_account_and_number(books: Books) -> None:
    for row in await books.rows("ledger_entries"):
        query = "SELECT code FROM ledger_accounts WHERE id = %s"
        ((code,),) = await books._rows(query, [row["account_id"]])
        async with books.altered("DELETE FROM ledger_entries WHERE ctid = %s::tid", row["ctid"]):
            sentence = await books.difference()
        assert sentence is not None
        assert sentence.startswith(f"entry {row['version']} on account {code} ")


_PUT = {
    "ledger_transactions": ("id", "id || 'x'"),
    "ledger_entries": ("version", "version + 1000"),
    "ledger_blocks": ("id", "id + 1000"),
}


@pytest.mark.parametrize("table", TABLES)
async def test_any_row_that_is_put_in_is_named(books: Books, table: str) -> None:
    columns, rows = (await _places(books))[table]
    key, other = _PUT[table]
    values = [other if name == key else name for name in columns]
    if table == "ledger_blocks":
        values = ["NULL" if name in ("position", "head") else name for name in values]
    insert = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} "
        "WHERE ctid = %s::tid"
    )
    for row in rows:
        async with books.altered(insert, row["ctid"]):
            sentence = await books.difference()
        assert sentence is not None, row
        if table == "ledger_blocks":
            assert "is in 2 blocks" in sentence
        else:
            assert _named(table, "", row) in sentence


async def _entry(books: Books, code: str, version: int) -> str:
    ((place,),) = await books._rows(
        "SELECT e.ctid::text FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id "
        "WHERE a.code = %s AND e.version = %s ORDER BY e.tenant_id LIMIT 1",
        [code, version],
    )
    return str(place)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("amount = amount + 1", "its amount was 500 and is 501"),
        ("balance = balance + 7", "its balance was 500 and is 507"),
        ("amount = 400, balance = 400", "its amount was 500 and is 400, its balance was 500"),
        ("effective_at = NULL", "its effective_at was 2026-11-11 12:00:00+00:00 and is null"),
        ("posted_at = posted_at - interval '1 day'", "its posted_at was 2026-11-20 12:00:00"),
    ],
)
async def test_what_an_entry_was_is_told_where_the_rows_around_it_know(
    books: Books, change: str, said: str
) -> None:
    statement = f"UPDATE ledger_entries SET {change} WHERE ctid = %s::tid"
    async with books.altered(statement, await _entry(books, "bank", 1)):
        sentence = await books.difference()
    assert sentence is not None
    assert sentence.startswith("entry 1 on account bank (usd) of transaction lt_")
    assert said in sentence


async def test_what_a_header_was_is_told_where_the_rows_around_it_know(books: Books) -> None:
    for column, value in (("currency", "gbp"), ("reference", "other")):
        async with books.altered(
            f"UPDATE ledger_transactions SET {column} = '{value}' WHERE (tenant_id, id) = "
            "(SELECT min(tenant_id), min(transaction_id) FROM ledger_references "
            "WHERE tenant_id = (SELECT min(tenant_id) FROM ledger_references))"
        ):
            sentence = await books.difference()
        assert sentence is not None
        assert sentence.startswith("the header of transaction lt_")
        assert f"its {column} was " in sentence
        assert sentence.endswith(f" and is {value}")


async def test_a_wholesale_rewrite_is_found_by_whoever_remembers_a_head(books: Books) -> None:
    """Everything consistent again, all heads included: only what was seen before can tell."""
    marks = await books.ends()
    async with books.altered(
        "UPDATE ledger_transactions SET description = 'other' WHERE (tenant_id, id) = "
        "(SELECT tenant_id, min(id) FROM ledger_transactions GROUP BY 1 ORDER BY 1 LIMIT 1)"
    ):
        assert await books.difference() is not None
        await _rewrite(books)
        assert await books.difference() is None
        sentence = await books.difference(marks)
    assert sentence is not None
    assert "does not pass through the head that was remembered" in sentence
    assert await books.difference(marks) is None


async def _rewrite(books: Books) -> None:
    from guilder_server.ledger.infra.lines import lines_of

    heads: dict[int, tuple[int, bytes]] = {}
    for tenant, id, ids, position in await books._rows(
        "SELECT tenant_id, id, transactions, position FROM ledger_blocks ORDER BY 1, 4"
    ):
        found = await lines_of(books.connection, tenant, ids.split())
        seal = chain.seal([line for one in ids.split() for line, _ in found[one]])
        before = heads.get(tenant, (0, GENESIS))[1]
        head = None if position is None else chain.head(before, position, seal.digest)
        if head is not None:
            heads[tenant] = position, head
        await books.connection.execute(
            "UPDATE ledger_blocks SET locators = %s, digest = %s, head = %s "
            "WHERE tenant_id = %s AND id = %s",
            [seal.locators, seal.digest, head, tenant, id],
        )


_NUMBERS = st.integers(0, 3)
_MOVES = st.tuples(_NUMBERS, _NUMBERS, st.integers(1, 90) | st.just(10**15)).filter(
    lambda move: move[0] != move[1]
)
_WISHES = st.tuples(
    st.lists(_MOVES, min_size=1, max_size=4),
    st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5),
    st.none() | st.integers(0, 10**6),
    st.booleans(),
)


@given(
    rounds=st.lists(st.tuples(st.lists(_WISHES, min_size=1, max_size=5), st.booleans()), max_size=4)
)
@settings(max_examples=EXAMPLES // 2, suppress_health_check=_SLOW, deadline=None)
async def test_random_books_are_in_the_chain_as_they_were_committed(
    kept: Kept, books: Books, rounds: list[Any]
) -> None:
    desk = kept.desk
    tenant = desk.tenant()
    accounts = [await desk.open(tenant, f"a/{n}") for n in range(4)]
    for wishes, chained_after in rounds:
        moves = [
            desk.post(
                tenant,
                *[(accounts[debit], accounts[credit], amount) for debit, credit, amount in moved],
                description=description,
                effective_at=None if ago is None or pending else NOON - timedelta(seconds=ago),
                pending=pending,
            )
            for moved, description, ago, pending in wishes
        ]
        await asyncio.gather(*moves)
        if chained_after:
            await kept.chain()
    async with laid_open(kept.superuser_url) as others:
        assert await others.difference(tenant=tenant) is None


async def test_versions_follow_one_another_along_the_chain_whoever_chains(kept: Kept) -> None:
    """Two workers at once, one of which is cut off again and again, beside callers that post."""
    desk = kept.desk
    tenant = desk.tenant()
    accounts = [await desk.open(tenant, f"a/{n}") for n in range(3)]
    stop = asyncio.Event()

    async def work(cut_off: bool) -> None:
        pool = Pool(kept.url)
        await pool.open()
        try:
            while not stop.is_set():
                task = asyncio.create_task(PostgresChain(pool).extend())
                if cut_off:
                    await asyncio.sleep(0.002)
                    task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        finally:
            await pool.close()

    workers = [asyncio.create_task(work(cut_off)) for cut_off in (False, False, True)]
    for n in range(60):
        await asyncio.gather(
            *(desk.post(tenant, (accounts[k], accounts[k - 1], n + 1)) for k in range(3))
        )
    stop.set()
    await asyncio.gather(*workers)
    await kept.chain()
    async with laid_open(kept.superuser_url) as books:
        assert await books.difference() is None
        rows = await books._rows(
            "SELECT e.account_id, e.version FROM ledger_blocks b "
            "CROSS JOIN LATERAL unnest(string_to_array(b.transactions, ' ')) WITH ORDINALITY "
            "own(id, place) JOIN ledger_entries e "
            "ON e.tenant_id = b.tenant_id AND e.transaction_id = own.id "
            "WHERE b.tenant_id = %s ORDER BY b.position, own.place",
            [tenant.id],
        )
    assert len(rows) == 360
    for account in {account for account, _ in rows}:
        versions = [version for one, version in rows if one == account]
        assert versions == sorted(versions)


async def test_a_block_that_commits_late_is_next(kept: Kept) -> None:
    desk = kept.desk
    tenant = desk.tenant()
    one, other = [await desk.open(tenant, code) for code in ("one", "other")]
    await desk.post(tenant, (one, other, 5))
    await desk.post(tenant, (one, other, 6))
    places = "SELECT id, position FROM ledger_blocks WHERE tenant_id = %s ORDER BY id"
    (first, _), (second, _) = await desk.rows(places, tenant.id)
    async with laid_open(kept.superuser_url) as late:
        # As if the first had not been committed yet.
        await late.connection.execute("SET LOCAL lock_timeout = '5s'")
        moved = await late._rows(
            "DELETE FROM ledger_blocks WHERE tenant_id = %s AND id = %s RETURNING *",
            [tenant.id, first],
        )
        await late.connection.commit()
        await kept.chain()
        slots = ", ".join(["%s"] * len(moved[0]))
        await late.connection.execute(f"INSERT INTO ledger_blocks VALUES ({slots})", moved[0])
        await late.connection.commit()
    await kept.chain()
    assert await desk.rows(places, tenant.id) == [(first, 2), (second, 1)]


async def test_a_refused_posting_is_in_no_block(kept: Kept) -> None:
    desk = kept.desk
    tenant = desk.tenant()
    low = await desk.open(tenant, "low", floor=0)
    high = await desk.open(tenant, "high")
    assert await refusal(desk.post(tenant, (high, low, 5))) == "balance_insufficient"
    assert await desk.rows("SELECT FROM ledger_blocks WHERE tenant_id = %s", tenant.id) == []


async def test_what_is_posted_in_one_call_is_one_block_unless_it_is_large(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    from guilder_server.ledger.infra import blocks

    desk = kept.desk
    tenant = desk.tenant()
    one, other = [await desk.open(tenant, code) for code in ("one", "other")]
    wishes = [wish([(one, other, n)]) for n in range(1, 11)]
    sizes = (
        "SELECT cardinality(string_to_array(transactions, ' ')) FROM ledger_blocks "
        "WHERE tenant_id = %s ORDER BY id"
    )
    await desk.post_all(tenant, *wishes, atomic=True)
    assert await desk.rows(sizes, tenant.id) == [(10,)]
    monkeypatch.setattr(blocks, "LARGEST_BLOCK", 12)
    await desk.post_all(tenant, *wishes, atomic=True)
    assert await desk.rows(sizes, tenant.id) == [(10,), (4,), (4,), (2,)]


async def test_what_was_there_before_the_chain_gets_its_place_first(kept: Kept) -> None:
    desk = kept.desk
    tenant = desk.tenant()
    one, other = [await desk.open(tenant, code) for code in ("one", "other")]
    old = [await desk.post(tenant, (one, other, n)) for n in range(1, 4)]
    async with laid_open(kept.superuser_url) as books:
        await books.connection.execute(
            "DELETE FROM ledger_blocks WHERE tenant_id = %s", [tenant.id]
        )
        await books.connection.execute(
            "INSERT INTO ledger_backlog SELECT tenant_id, id FROM ledger_transactions "
            "WHERE tenant_id = %s",
            [tenant.id],
        )
        await books.connection.commit()
        new = await desk.post(tenant, (one, other, 9))
        assert await books.difference() is None
        await books.connection.rollback()
        await kept.chain()
        assert await books.difference() is None
    chained_now = "SELECT position, transactions FROM ledger_blocks WHERE tenant_id = %s ORDER BY 1"
    assert await desk.rows(chained_now, tenant.id) == [
        (1, " ".join(posted.id for posted in old)),
        (2, new.id),
    ]
    assert await desk.rows("SELECT FROM ledger_backlog") == []
