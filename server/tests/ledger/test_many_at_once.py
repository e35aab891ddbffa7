"""What many do to the same accounts at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from guilder_server.kernel.changes import GuardLost
from tests.ledger.desk import Desk, opened, refusal, wish
from tests.ledger.keeping import ACCOUNTS, account, holds, move, moved
from tests.support.api import Answer, Api, ApiServer
from tests.support.postgres import TestDatabases

CLIENTS = 64


@pytest.fixture
def crowd(api_server: ApiServer, api: Api) -> Iterator[list[Api]]:
    """Many clients of the account that `api` is a client of."""
    clients = [Api(api_server.url, api.account) for _ in range(CLIENTS)]
    yield clients
    for client in clients:
        client.close()


def test_sixty_four_clients_drain_an_account_to_zero_and_not_below(
    api: Api, crowd: list[Api]
) -> None:
    purse, shop = account(api, normal_side="credit", floor=0), account(api)
    moved(api, shop, purse, 100)

    def drain(client: Api) -> list[Answer]:
        return [move(client, purse, shop, 1) for _ in range(3)]

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = [answer for one in threads.map(drain, crowd) for answer in one]
    assert Counter(answer.status for answer in answers) == {200: 100, 400: 92}
    refused = {answer.error["code"] for answer in answers if answer.status == 400}
    assert refused == {"balance_insufficient"}
    assert holds(api, purse) == (0, 101)
    assert holds(api, shop) == (0, 101)


@pytest.fixture(scope="module")
async def desks(postgres: TestDatabases) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes on one database, as far as the database can tell."""
    with postgres.database() as url:
        async with opened(url) as one, opened(url) as other:
            yield one, other


@pytest.mark.anyio
async def test_a_thousand_transfers_among_ten_accounts_leave_the_sum(
    desks: tuple[Desk, Desk],
) -> None:
    tenant = Desk.tenant()
    world = await desks[0].open(tenant, "world", normal_side="credit")
    ids = [await desks[0].open(tenant, f"purse/{n}", floor=0) for n in range(10)]
    for id in ids:
        await desks[0].post(tenant, (id, world, 100))

    async def transfer(number: int) -> str | None:
        source, target = ids[number % 10], ids[(number * 7 + number // 10 + 1) % 10]
        if source == target:
            target = world
        amount = 1 + number * 13 % 60
        return await refusal(desks[number % 2].post(tenant, (target, source, amount)))

    for start in range(0, 1000, 100):
        codes = await asyncio.gather(*[transfer(number) for number in range(start, start + 100)])
        assert set(codes) <= {None, "balance_insufficient"}
    balances = [(await desks[0].balance(tenant, id)).balance for id in ids]
    assert min(balances) >= 0
    assert sum(balances) == (await desks[1].balance(tenant, world)).balance
    assert await desks[0].differences() == []


@pytest.mark.anyio
async def test_bulks_that_meet_hold_every_floor(desks: tuple[Desk, Desk]) -> None:
    """Each by itself, decided on what was read, and again if that has changed."""
    tenant = Desk.tenant()
    world = await desks[0].open(tenant, "world", normal_side="credit")
    purse = await desks[0].open(tenant, "purse", floor=0)
    await desks[0].post(tenant, (purse, world, 50))
    one = wish([(world, purse, 3)])
    bulks = await asyncio.gather(
        *[desks[n % 2].post_all(tenant, *[one] * 5, atomic=False) for n in range(8)]
    )
    posted = sum(result.transaction is not None for bulk in bulks for result in bulk.results)
    assert posted == 16
    assert (await desks[0].balance(tenant, purse)).balance == 2


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_an_account_that_is_frozen_meanwhile_is_looked_at_again(
    desks: tuple[Desk, Desk], status: str
) -> None:
    tenant, desk = Desk.tenant(), desks[0]
    debit, credit = await desk.open(tenant, "debit"), await desk.open(tenant, "credit")
    wanted = wish([(debit, credit, 5)])
    decided = await desk.house.transactions.post(tenant, wanted)
    await desks[1].update(tenant, credit, status=status)
    with pytest.raises(GuardLost):
        await desk.ground.committer.commit(decided.changes)
    assert await refusal(desk.post(tenant, (debit, credit, 5))) == f"ledger_account_{status}"
    assert (await desk.balance(tenant, debit)).entries == 0


@pytest.mark.anyio
async def test_an_account_that_is_frozen_in_the_same_commit_is_looked_at_again(
    desks: tuple[Desk, Desk],
) -> None:
    tenant, desk = Desk.tenant(), desks[0]
    debit, credit = await desk.open(tenant, "debit"), await desk.open(tenant, "credit")
    post = await desk.house.transactions.post(tenant, wish([(debit, credit, 5)]))
    freeze = await desk.house.ledger_accounts.update(tenant, credit, {"status": "frozen"})
    commits = [desk.ground.committer.commit(one.changes) for one in (freeze, post)]
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None), GuardLost]


@pytest.mark.anyio
async def test_who_is_renamed_meanwhile_still_takes_postings(desks: tuple[Desk, Desk]) -> None:
    tenant, desk = Desk.tenant(), desks[0]
    debit, credit = await desk.open(tenant, "debit"), await desk.open(tenant, "credit")
    renaming = [desk.update(tenant, credit, name=f"Name {n}") for n in range(10)]
    posting = [desks[1].post(tenant, (debit, credit, 1)) for _ in range(10)]
    await asyncio.gather(*renaming, *posting)
    assert (await desk.balance(tenant, credit)).entries == 10


def test_many_open_and_post_at_once(api: Api, crowd: list[Api]) -> None:
    world = account(api)

    def keep(number: int) -> None:
        own = account(crowd[number], f"own/{number}")
        moved(crowd[number], own, world, 1)

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(keep, range(CLIENTS)))
    assert holds(api, world) == (-CLIENTS, CLIENTS)
    listed = api.get(ACCOUNTS, code="own/*", limit=100)["data"]
    assert {one["balance"] for one in listed} == {1}
    assert len(listed) == CLIENTS
