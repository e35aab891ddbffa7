"""What many accounts hold together: groups, instants, and that debits are credits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.errors import Refused
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.sums import Selection, Sum, Sums
from guilder_server.ledger.views import view_sums
from tests.ledger.desk import NOON, Desk, opened
from tests.ledger.keeping import account, move, refused
from tests.support.api import Answer, Api
from tests.support.postgres import TestDatabases

EXAMPLES = (settings.default.max_examples if settings.default else 100) // 4
SUMS = "/v1/ledger/balances"
SECOND = timedelta(seconds=1)


@pytest.fixture
def books(api: Api) -> Api:
    """A few accounts in two currencies."""
    bank, till = account(api, "assets/bank/main"), account(api, "assets/till")
    spare = account(api, "assets/bank/spare")
    owed = account(api, "owed/ada", normal_side="credit")
    euros = account(api, "assets/bank/euro", currency="eur"), account(api, "eu", currency="eur")
    for debit, credit, amount in (
        (bank, owed, 700),
        (till, owed, 50),
        (till, spare, 20),
        (*euros, 9),
    ):
        move(api, debit, credit, amount)
    return api


def groups(answer: Answer) -> list[tuple[Any, ...]]:
    assert answer["object"] == "ledger_balances"
    return [
        tuple(one[name] for name in ("code", "currency", "accounts", "debits", "credits"))
        for one in answer["data"]
        if one["balance"] == one["debits"] - one["credits"]
    ]


_ASKED: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "everything": ({}, [("*", "eur", 2, 9, 9), ("*", "usd", 4, 770, 770)]),
    "a part": (
        {"code": "assets/*"},
        [("assets/*", "eur", 1, 9, 0), ("assets/*", "usd", 3, 770, 20)],
    ),
    "one": ({"code": "assets/till"}, [("assets/till", "usd", 1, 70, 0)]),
    "none": ({"code": "assets"}, []),
    "a word": (
        {"depth": 1},
        [
            ("assets", "eur", 1, 9, 0),
            ("assets", "usd", 3, 770, 20),
            ("eu", "eur", 1, 0, 9),
            ("owed", "usd", 1, 0, 750),
        ],
    ),
    "two words of a part": (
        {"code": "assets/*", "depth": 2},
        [
            ("assets/bank", "eur", 1, 9, 0),
            ("assets/bank", "usd", 2, 700, 20),
            ("assets/till", "usd", 1, 70, 0),
        ],
    ),
    "more words than there are": (
        {"code": "assets/t*", "depth": 8},
        [("assets/till", "usd", 1, 70, 0)],
    ),
    "before there was anything": ({"known_at": 5}, []),
    "before anything was in effect": (
        {"effective_at": 5},
        [("*", "eur", 2, 0, 0), ("*", "usd", 4, 0, 0)],
    ),
}


@pytest.mark.parametrize(("params", "expected"), _ASKED.values(), ids=_ASKED.keys())
def test_accounts_are_grouped_by_how_their_codes_begin(
    books: Api, params: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert groups(books.get(SUMS, **params)) == expected


def test_accounts_of_payments_and_of_nobody_else_are_counted(api: Api, other_api: Api) -> None:
    api.pay(2000)
    answer = api.get(SUMS)
    assert [one["balance"] for one in answer["data"]] == [0]
    assert answer["data"][0]["debits"] == 2000
    assert other_api.get(SUMS)["data"] == []


@pytest.mark.parametrize("params", [{"depth": 0}, {"depth": 9}, {"depth": "x"}])
def test_a_depth_is_a_small_number(api: Api, params: dict[str, Any]) -> None:
    assert refused(api.get(SUMS, **params))[::2] == (400, "depth")


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


async def _fill(desk: Desk, tenant: Tenant, count: int, balance: int) -> None:
    """Accounts as if they had been opened and posted to."""
    await desk.stranger.execute(
        "INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, balance, version, "
        "public_id, created, posted_at, held_debits, held_credits) "
        "SELECT %(tenant)s, 'many/' || n, 'usd', 'debit', %(balance)s, 0, 'la_' || n, now(), "
        "now(), 0, 0 FROM generate_series(1, %(count)s) n",
        {"tenant": tenant.id, "count": count, "balance": balance},
    )


async def _sums(desk: Desk, tenant: Tenant, code: str | None, depth: int | None) -> Sums:
    return await desk.house.trial_balance.read(tenant, Selection(code, depth, None, None))


@pytest.mark.anyio
async def test_more_groups_than_a_thousand_are_to_be_narrowed(desk: Desk) -> None:
    tenant = desk.tenant()
    await _fill(desk, tenant, 1001, 0)
    with pytest.raises(Refused, match="Narrow code, or lower depth") as refusal:
        await _sums(desk, tenant, None, 2)
    assert (refusal.value.code, refusal.value.param) == ("ledger_balances_limit", "depth")
    assert (await _sums(desk, tenant, None, 1)).groups == (Sum("many", "usd", 1001, 0, 0),)
    assert len((await _sums(desk, tenant, "many/1*", 2)).groups) == 113


@pytest.mark.anyio
async def test_sums_beyond_64_bits_are_exact(desk: Desk) -> None:
    tenant = desk.tenant()
    await _fill(desk, tenant, 3, 2**63 - 1)
    sums = await _sums(desk, tenant, None, None)
    [shown] = view_sums(sums, tenant)["data"]
    assert shown["debits"] == shown["balance"] == 3 * (2**63 - 1)
    assert b"27670116110564327421" in msgspec.json.encode(shown)


_MOVES = st.lists(
    st.tuples(
        st.sampled_from(["usd", "eur"]),
        st.integers(0, 2),
        st.integers(1, 2),
        st.integers(1, 99),
        st.none() | st.integers(0, 5),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=10,
)


@pytest.mark.anyio
@given(moves=_MOVES)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_debits_are_credits_and_each_sum_is_that_of_its_accounts_at_every_instant(
    desk: Desk, moves: list[tuple[str, int, int, int, int | None, int]]
) -> None:
    tenant = desk.tenant()
    desk.clock.instant = NOON
    ids = {
        currency: [
            await desk.open(tenant, f"{group}/{currency}{n}", currency=currency)
            for n, group in enumerate(("one", "one", "two"))
        ]
        for currency in ("usd", "eur")
    }
    for currency, first, step, amount, backdated, pause in moves:
        desk.clock.advance(pause * SECOND)
        now = desk.clock.now()
        effective = None if backdated is None else now - backdated * SECOND
        sides = ids[currency][first], ids[currency][(first + step) % 3]
        await desk.post(tenant, (*sides, amount), effective_at=effective)
    last = desk.clock.now()
    desk.clock.advance(SECOND)
    instants = [None, NOON - 2 * SECOND, NOON, NOON + SECOND, last]
    for known in instants:
        for effective in instants:
            for depth in (None, 1):
                found = await desk.house.trial_balance.read(
                    tenant, Selection(None, depth, known, effective)
                )
                for currency in ("usd", "eur"):
                    sums = [one for one in found.groups if one.currency == currency]
                    assert sum(one.debits for one in sums) == sum(one.credits for one in sums)
                    if depth is not None and known != NOON - 2 * SECOND:
                        balances = [
                            (await desk.balance(tenant, id, known, effective)).balance
                            for id in ids[currency]
                        ]
                        assert {one.code: one.balance for one in sums} == {
                            "one": balances[0] + balances[1],
                            "two": balances[2],
                        }
