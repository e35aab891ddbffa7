"""Many transactions in one call: all or none, or each as if it had come by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.transfers import Expectation, Wish
from tests.ledger.desk import Desk, opened, refusal, wish
from tests.ledger.keeping import ACCOUNTS, BULK, account, events, holds, moved, posting, refused
from tests.support.api import Answer, Api, unique
from tests.support.postgres import TestDatabases

EXAMPLES = 40
SIDES = [("debit", 0, 60), ("credit", -40, None), ("debit", None, None), ("credit", None, 90)]


def item(debit: str, credit: str, amount: int, **params: Any) -> dict[str, Any]:
    return {"postings": [posting(debit, credit, amount)], **params}


def sent(api: Api, items: list[dict[str, Any]], **params: Any) -> Answer:
    return api.raw("POST", BULK, json={"transactions": items, **params})


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    return account(api, floor=0), account(api)


def test_all_of_them_are_posted_in_their_order(api: Api, pair: tuple[str, str]) -> None:
    answer = sent(api, [item(*pair, amount) for amount in (1, 2, 4)])
    assert (answer["posted"], answer["refused"]) == (3, 0)
    assert [one["error"] for one in answer["results"]] == [None] * 3
    ids = [one["transaction"] for one in answer["results"]]
    listed = api.get(f"{ACCOUNTS}/{pair[0]}/entries")["data"]
    assert [(one["transaction"], one["balance"]) for one in listed] == list(
        zip(ids[::-1], (7, 3, 1), strict=True)
    )
    told = events(api, "ledger.transaction.posted")
    assert {event["data"]["object"]["id"] for event in told} == set(ids)


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"amount": 9}, "balance_insufficient", "transactions[1][postings]"),
        ({"debit": "la_nobody"}, "resource_missing", "transactions[1][postings][0][debit]"),
        ({"credit": "{poor}"}, None, "transactions[1][postings][0][credit]"),
        ({"amount": 0}, None, "transactions[1][postings][0][amount]"),
    ],
)
def test_of_all_or_none_one_that_is_refused_refuses_all(
    api: Api, pair: tuple[str, str], given: dict[str, Any], code: str | None, param: str
) -> None:
    poor, rich = pair
    unfit = posting(rich, poor, 1) | given
    if given.get("credit"):
        unfit["debit"] = unfit["credit"] = poor
    items = [item(poor, rich, 5), {"postings": [unfit]}, item(poor, rich, 5)]
    status, said, named = refused(sent(api, items))
    assert (status, named) == (400, param)
    assert code is None or said == code
    assert holds(api, poor) == (0, 0)
    assert events(api, "ledger.transaction.posted") == []


def test_each_by_itself_is_told_what_became_of_it(api: Api, other_api: Api) -> None:
    poor, rich, euros = account(api, floor=0), account(api), account(api, currency="eur")
    foreign = account(other_api)
    moved(api, poor, rich, 3, reference="taken")
    answer = sent(
        api,
        [
            item(poor, rich, 5, reference="new"),
            item(rich, poor, 9),
            item(rich, poor, 8),
            item(rich, poor, 1),
            item(poor, foreign, 1),
            item(poor, euros, 1),
            item(poor, poor, 1),
            item(poor, rich, 1, reference="taken"),
            item(poor, rich, 1, reference="new"),
            item(poor, rich, 1, conditions=[{"account": poor, "entries": 9}]),
            item(poor, rich, 1, effective_at=4_000_000_000),
            item(poor, rich, 1, conditions=[{"account": "la_nobody"}]),
            item(poor, rich, 2, conditions=[{"account": poor, "entries": 3}]),
        ],
        atomic=False,
    )
    told = [(one["error"] or {}).get("param") for one in answer["results"]]
    assert told == [
        None,
        "transactions[1][postings]",
        None,
        "transactions[3][postings]",
        "transactions[4][postings][0][credit]",
        "transactions[5][postings][0][credit]",
        "transactions[6][postings][0][credit]",
        "transactions[7][reference]",
        "transactions[8][reference]",
        "transactions[9][conditions][0]",
        "transactions[10][effective_at]",
        "transactions[11][conditions][0][account]",
        None,
    ]
    said = [(one["error"] or {}).get("code") for one in answer["results"]]
    assert said[1] == said[3] == "balance_insufficient"
    assert said[4] == said[11] == "resource_missing"
    assert said[7] == said[8] == "ledger_reference_taken"
    assert (answer["posted"], answer["refused"]) == (3, 10)
    assert holds(api, poor) == (2, 4)


def test_a_reference_twice_in_a_call_refuses_all_of_all_or_none(
    api: Api, pair: tuple[str, str]
) -> None:
    twice = [item(*pair, 1, reference="once"), item(*pair, 1, reference="once")]
    answer = refused(sent(api, twice))
    assert answer == (400, "ledger_reference_taken", "transactions[1][reference]")
    assert holds(api, pair[0]) == (0, 0)


@pytest.mark.parametrize("atomic", [True, False])
def test_a_thousand_are_posted_and_no_more(api: Api, pair: tuple[str, str], atomic: bool) -> None:
    items = [item(*pair, 1 + number, reference=f"r{number}") for number in range(1000)]
    key = unique()
    headers = {"Idempotency-Key": key}
    body = {"transactions": items, "atomic": atomic}
    first = api.raw("POST", BULK, json=body, headers=headers)
    assert (first["posted"], first["refused"]) == (1000, 0)
    assert api.raw("POST", BULK, json=body, headers=headers).content == first.content
    assert holds(api, pair[0]) == (500_500, 1000)
    for wrong in ([], [*items, item(*pair, 1)]):
        assert refused(sent(api, wrong))[::2] == (400, "transactions")


def test_a_form_is_as_good_as_json(api: Api, pair: tuple[str, str]) -> None:
    items = [item(*pair, 1), item(*pair[::-1], 5)]
    answer = api.post(BULK, transactions=items, atomic=False)
    assert (answer["posted"], answer["refused"]) == (1, 1)


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


Drawn = tuple[list[tuple[int, int, int]], str | None, tuple[int, int | None, int | None] | None]
_DRAWN = st.tuples(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=3
    ),
    st.none() | st.sampled_from("abc"),
    st.none() | st.tuples(st.integers(0, 3), st.none() | st.integers(0, 5), st.integers(-40, 40)),
)


async def _accounts(desk: Desk, tenant: Tenant) -> list[str]:
    return [
        await desk.open(tenant, f"a/{number}", normal_side=side, floor=floor, ceiling=ceiling)
        for number, (side, floor, ceiling) in enumerate(SIDES)
    ]


def _wish(accounts: list[str], drawn: Drawn) -> Wish:
    moves, reference, condition = drawn
    named = [*accounts, "la_nobody"]
    terms = [] if condition is None else [Expectation(named[condition[0]], *condition[1:])]
    return wish(
        [(named[debit], named[credit], amount) for debit, credit, amount in moves],
        conditions=terms,
        reference=reference,
    )


@pytest.mark.anyio
@given(drawn=st.lists(_DRAWN, min_size=1, max_size=15))
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_each_by_itself_ends_as_if_it_had_come_alone(desk: Desk, drawn: list[Drawn]) -> None:
    merged, single = desk.tenant(), desk.tenant()
    of_merged, of_single = await _accounts(desk, merged), await _accounts(desk, single)
    bulk = await desk.post_all(merged, *[_wish(of_merged, one) for one in drawn], atomic=False)
    alone = []
    for one in drawn:
        wanted = _wish(of_single, one)

        def post(wanted: Wish = wanted) -> Any:
            return desk.house.transactions.post(single, wanted)

        alone.append(await refusal(desk.carry_out(post)))
    assert [result.code or None for result in bulk.results] == alone
    for left, right in zip(of_merged, of_single, strict=True):
        found = [await desk.balance(*one) for one in ((merged, left), (single, right))]
        assert len({(one.balance, one.entries) for one in found}) == 1


@pytest.mark.anyio
async def test_what_is_past_63_bits_is_refused_by_itself(desk: Desk) -> None:
    tenant = desk.tenant()
    one, other = await desk.open(tenant, "one"), await desk.open(tenant, "other")
    hundred = wish([(one, other, 10**15)] * 100)
    bulk = await desk.post_all(tenant, *[hundred] * 93, atomic=False)
    assert [result.code for result in bulk.results] == [""] * 92 + ["balance_exceeded"]
    assert (await desk.balance(tenant, one)).balance == 92 * 10**17
    assert await desk.differences() == []


@pytest.mark.anyio
@pytest.mark.parametrize("atomic", [True, False])
async def test_a_thousand_among_two_thousand_accounts_are_decided_in_no_time(
    desk: Desk, atomic: bool
) -> None:
    """Not a measurement: it finds what looks through all accounts for each of them, which took a
    minute, and nobody else was answered meanwhile."""
    tenant = desk.tenant()
    ids: list[str] = []
    for first in range(0, 2000, 250):  # as many as a pool has patience for
        openings = (desk.open(tenant, f"a/{number}") for number in range(first, first + 250))
        ids += await asyncio.gather(*openings)
    wishes = [wish([(ids[number], ids[number + 1000], 1)]) for number in range(1000)]
    began = time.monotonic()
    bulk = await desk.post_all(tenant, *wishes, atomic=atomic)
    assert time.monotonic() - began < 10
    assert all(result.transaction is not None for result in bulk.results)
