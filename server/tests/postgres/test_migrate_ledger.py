"""A ledger that payments have filled already becomes one whose past can be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.infra.books import PostgresBooks
from guilder_server.ledger.verification import verify
from guilder_server.postgres.migrate import upgrade
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

MERCHANT = Tenant(1, "acct_1", livemode=False)
_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _at(seconds: int) -> datetime:
    return _NOON + timedelta(seconds=seconds)


# Two charges and a refund of the first, as payments posted them. The second charge was decided
# before the first and committed after it.
_PAID = [("ch_1", "txn_1", 1000, _at(10)), ("ch_2", "txn_2", 500, _at(5))]
_BACK = ("re_1", "txn_3", 300, _at(60))
_ACCOUNTS = [
    (1, "gateway/sandbox", "debit", None, 1200, 3),
    (2, "merchant/2026-11-27", "credit", None, -1100, 3),
    (3, "fees/payments", "credit", 0, -100, 2),
]
_ENTRIES = [
    *[(1, 1, "txn_1", 1000, 1000), (2, 1, "txn_1", -940, -940), (3, 1, "txn_1", -60, -60)],
    *[(1, 2, "txn_2", 500, 1500), (2, 2, "txn_2", -460, -1400), (3, 2, "txn_2", -40, -100)],
    *[(1, 3, "txn_3", -300, 1200), (2, 3, "txn_3", 300, -1100)],
]


@pytest.fixture
def filled_url(postgres: TestDatabases) -> Iterator[str]:
    """A database of the version before, with payments in it."""
    with postgres.of_version("0003") as url:
        with psycopg.connect(url) as connection:
            _fill(connection)
        yield url


def _fill(connection: psycopg.Connection) -> None:
    tenant = MERCHANT.id
    for id, code, side, floor, balance, version in _ACCOUNTS:
        connection.execute(
            "INSERT INTO ledger_accounts (tenant_id, id, code, currency, normal_side, floor, "
            "balance, version) VALUES (%s, %s, %s, 'usd', %s, %s, %s, %s)",
            [tenant, id, code, side, floor, balance, version],
        )
    for charge, transaction, amount, created in _PAID:
        refunded = 300 if charge == "ch_1" else 0
        connection.execute(
            "INSERT INTO charges (tenant_id, id, version, created, status, amount, currency, "
            "gateway, instrument, card, amount_captured, amount_refunded, captured, released, "
            "fraud_details, metadata, balance_transaction_id) VALUES (%s, %s, 1, %s, 'succeeded', "
            "%s, 'usd', 'sandbox', 'card', '{}', %s, %s, true, false, '{}', '{}', %s)",
            [tenant, charge, created, amount, amount, refunded, transaction],
        )
        _transaction(connection, transaction, "charge", charge, created)
    refund, transaction, amount, created = _BACK
    connection.execute(
        "INSERT INTO refunds (tenant_id, id, version, created, status, amount, currency, "
        "charge_id, metadata, balance_transaction_id) "
        "VALUES (%s, %s, 1, %s, 'succeeded', %s, 'usd', 'ch_1', '{}', %s)",
        [tenant, refund, created, amount, transaction],
    )
    _transaction(connection, transaction, "refund", refund, created)
    for account, version, transaction, amount, balance in _ENTRIES:
        connection.execute(
            "INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, "
            "balance) VALUES (%s, %s, %s, %s, %s, %s)",
            [tenant, account, version, transaction, amount, balance],
        )


def _transaction(
    connection: psycopg.Connection, id: str, kind: str, source: str, created: datetime
) -> None:
    connection.execute(
        "INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, "
        "currency) VALUES (%s, %s, %s, %s, %s, %s, 'usd')",
        [MERCHANT.id, id, kind, source, created, created],
    )


def _rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return connection.execute(query).fetchall()


async def test_what_payments_posted_stays_as_it_was_and_says_when(
    filled_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    upgrade(filled_url)

    assert await verify(filled_url) == 0, capsys.readouterr()
    entries = _rows(
        filled_url,
        "SELECT account_id, version, transaction_id, amount, balance FROM ledger_entries "
        "ORDER BY transaction_id, account_id",
    )
    assert entries == _ENTRIES
    # The second was decided before the first; it cannot have been known before it.
    known = _rows(
        filled_url, "SELECT account_id, version, posted_at FROM ledger_entries ORDER BY 1, 2"
    )
    first, second, third = _at(10), _at(10), _at(60)
    assert known == [
        *[(1, 1, first), (1, 2, second), (1, 3, third)],
        *[(2, 1, first), (2, 2, second), (2, 3, third)],
        *[(3, 1, first), (3, 2, second)],
    ]


async def test_accounts_of_payments_say_when_their_first_and_their_last_entry_was_posted(
    filled_url: str,
) -> None:
    upgrade(filled_url)

    accounts = _rows(
        filled_url,
        "SELECT id, code, balance, version, held_debits, held_credits, ceiling, created, posted_at "
        "FROM ledger_accounts ORDER BY id",
    )
    last = {1: _at(60), 2: _at(60), 3: _at(10)}
    assert accounts == [
        (id, code, balance, version, 0, 0, None, _at(10), last[id])
        for id, code, _, _, balance, version in _ACCOUNTS
    ]
    ids = [id for (id,) in _rows(filled_url, "SELECT public_id FROM ledger_accounts")]
    assert len(set(ids)) == len(_ACCOUNTS)


async def test_the_past_of_an_account_of_payments_can_be_asked_for(filled_url: str) -> None:
    upgrade(filled_url)

    ((id,),) = _rows(
        filled_url, "SELECT public_id FROM ledger_accounts WHERE code = 'gateway/sandbox'"
    )
    pool = Pool(filled_url)
    await pool.open()
    try:
        books = PostgresBooks(pool, MergedReads(pool))
        standing = await books.standing(MERCHANT, id)
        assert standing is not None
        assert standing.system
        assert (standing.balance, standing.entries) == (1200, 3)
        account = standing.account
        for instant, balance, entries in [
            (_at(9), 0, 0),
            (_at(10), 1500, 2),
            (_at(59), 1500, 2),
            (_at(60), 1200, 3),
        ]:
            assert await books.as_of(MERCHANT, account, instant, None) == (balance, entries)
    finally:
        await pool.close()
