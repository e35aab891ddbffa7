"""The ledger read back: the balance of a day, and the transactions that made it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import NoSuchReference, NotFound
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.money import Money
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import movements
from guilder_server.ledger.domain.balance import BalanceTransaction, seen
from guilder_server.ledger.flows.balance import LedgerFlows
from guilder_server.ledger.infra.store import PostgresLedger
from guilder_server.ledger.views import LedgerViews
from tests.postgres.library import STRANGER, TENANT, Library, opened

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Desk:
    """A merchant's books, and the clock on the wall."""

    library: Library
    clock: ManualClock
    ids: Ids
    flows: LedgerFlows
    numbers: count[int]

    async def charge(
        self, gross: int, fee: int, *, days: int = 2, currency: str = "usd", tenant: Tenant = TENANT
    ) -> LedgerTransaction:
        now = self.clock.now()
        return await self._post(
            movements.charge(
                self.ids.new("txn"),
                f"ch_{next(self.numbers)}",
                Money(gross, currency),
                Money(fee, currency),
                "sandbox",
                now,
                now + timedelta(days=days),
                None,
            ),
            tenant,
        )

    async def refund(self, amount: int, *, days: int = 0, fails: bool = False) -> LedgerTransaction:
        now = self.clock.now()
        movement = movements.refund_failure if fails else movements.refund
        money, available = Money(amount, "usd"), now + timedelta(days=days)
        source = f"re_{next(self.numbers)}"
        return await self._post(
            movement(self.ids.new("txn"), source, money, "sandbox", now, available, "a reason"),
            TENANT,
        )

    async def _post(self, transaction: LedgerTransaction, tenant: Tenant) -> LedgerTransaction:
        await self.library.committer.commit(Changes(tenant, postings=[transaction]))
        self.clock.advance(timedelta(seconds=1))
        return transaction

    async def balances(self) -> tuple[dict[str, int], dict[str, int]]:
        shown = await self.flows.balance(TENANT)
        return shown.available, shown.pending

    async def listed(self, query: ListQuery | None = None, **filters: str) -> Page:
        return await self.flows.page(TENANT, query or ListQuery(), filters)


async def _dollars(tenant: Tenant) -> str:
    return "usd"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened(database_url) as library:
        clock = ManualClock(NOON)
        flows = LedgerFlows(PostgresLedger(library.pool, library.reads), clock, _dollars)
        yield Desk(library, clock, Ids(clock), flows, count(1))


async def test_an_empty_ledger_has_a_balance_of_nothing(desk: Desk) -> None:
    assert await desk.balances() == ({"usd": 0}, {"usd": 0})


async def test_money_becomes_available_on_its_day_without_anybody_moving_it(desk: Desk) -> None:
    await desk.charge(2000, 88, days=2)
    await desk.charge(1000, 59, days=0)
    assert await desk.balances() == ({"usd": 941}, {"usd": 1912})
    desk.clock.instant = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    assert await desk.balances() == ({"usd": 941}, {"usd": 1912})
    desk.clock.instant = datetime(2026, 11, 22, tzinfo=UTC)
    assert await desk.balances() == ({"usd": 2853}, {"usd": 0})


async def test_a_refund_comes_out_of_the_day_that_its_money_would_have_come(desk: Desk) -> None:
    await desk.charge(2000, 88, days=2)
    await desk.refund(500, days=2)
    assert await desk.balances() == ({"usd": 0}, {"usd": 1412})
    await desk.refund(700)
    assert await desk.balances() == ({"usd": -700}, {"usd": 1412})
    await desk.refund(700, fails=True)
    assert await desk.balances() == ({"usd": 0}, {"usd": 1412})


async def test_currencies_are_balanced_apart(desk: Desk) -> None:
    await desk.charge(2000, 88)
    await desk.charge(500, 15, currency="eur", days=0)
    await desk.charge(700, 50, currency="jpy")
    assert await desk.balances() == (
        {"usd": 0, "eur": 485, "jpy": 0},
        {"usd": 1912, "eur": 0, "jpy": 650},
    )


async def test_a_stranger_sees_nothing_of_it(desk: Desk) -> None:
    posted = await desk.charge(2000, 88)
    assert (await desk.flows.balance(STRANGER)).pending == {"usd": 0}
    assert (await desk.flows.page(STRANGER, ListQuery(), {})).items == []
    with pytest.raises(NotFound, match=posted.id):
        await desk.flows.retrieve(STRANGER, posted.id)


async def test_a_transaction_is_found_as_it_was_posted(desk: Desk) -> None:
    for posted in (
        await desk.charge(2000, 88),
        await desk.charge(2000, 0),
        await desk.charge(2000, 2000),
        await desk.refund(500),
        await desk.refund(500, fails=True),
    ):
        assert await desk.flows.retrieve(TENANT, posted.id) == seen(posted)


@pytest.mark.parametrize("id", ["txn_none", "", "ch_1"])
async def test_what_is_not_there_is_not_found(desk: Desk, id: str) -> None:
    await desk.charge(2000, 88)
    assert await desk.flows.find(TENANT, id) is None
    with pytest.raises(NotFound):
        await desk.flows.retrieve(TENANT, id)


async def test_transactions_are_listed_newest_first_with_their_shares(desk: Desk) -> None:
    posted = [seen(await desk.charge(1000 + number, number)) for number in range(5)]
    page = await desk.listed(ListQuery(limit=3))
    assert (page.items, page.has_more) == (posted[:1:-1], True)
    page = await desk.listed(ListQuery(limit=3, starting_after=posted[2].id))
    assert (page.items, page.has_more) == (posted[1::-1], False)
    page = await desk.listed(ListQuery(limit=3, ending_before=posted[2].id))
    assert (page.items, page.has_more) == (posted[:2:-1], False)
    with pytest.raises(NoSuchReference):
        await desk.listed(ListQuery(starting_after="txn_none"))


async def test_transactions_are_filtered_by_what_they_are(desk: Desk) -> None:
    dollars = seen(await desk.charge(2000, 88))
    euros = seen(await desk.charge(500, 15, currency="eur"))
    back = seen(await desk.refund(100))
    failed = seen(await desk.refund(100, fails=True))
    assert (await desk.listed(currency="eur")).items == [euros]
    assert (await desk.listed(kind="refund")).items == [back]
    assert (await desk.listed(kind="refund_failure")).items == [failed]
    assert (await desk.listed(source=dollars.source)).items == [dollars]
    assert (await desk.listed(source=dollars.source, currency="eur")).items == []
    within = CreatedRange(gt=dollars.created, lt=failed.created)
    assert (await desk.listed(ListQuery(created=within))).items == [back, euros]


async def test_a_transaction_is_pending_until_its_day(desk: Desk) -> None:
    views = LedgerViews(desk.clock)
    transaction = await desk.flows.retrieve(TENANT, (await desk.charge(2000, 88)).id)
    assert views.transaction(transaction, TENANT)["status"] == "pending"
    desk.clock.instant = datetime(2026, 11, 22, tzinfo=UTC)
    assert views.transaction(transaction, TENANT)["status"] == "available"


async def test_the_fee_is_named_where_there_is_one(desk: Desk) -> None:
    views = LedgerViews(desk.clock)
    shown = views.posted(await desk.charge(2000, 88), TENANT)
    [fee] = shown["fee_details"]
    assert (shown["amount"], shown["fee"], shown["net"]) == (2000, 88, 1912)
    assert (fee["amount"], fee["currency"], fee["type"]) == (88, "usd", "stripe_fee")
    assert views.posted(await desk.refund(500), TENANT)["fee_details"] == []


async def test_what_is_shown_before_the_commit_is_what_is_read_after_it(desk: Desk) -> None:
    views = LedgerViews(desk.clock)
    posted = await desk.charge(2000, 88)
    read = await desk.flows.retrieve(TENANT, posted.id)
    assert isinstance(read, BalanceTransaction)
    assert views.posted(posted, TENANT) == views.transaction(read, TENANT)
