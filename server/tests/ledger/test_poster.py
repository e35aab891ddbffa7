"""The poster: what it writes adds up, whatever arrives with whatever else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.postings import AccountRef, Condition, LedgerTransaction, Leg
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.infra import poster as module
from guilder_server.ledger.infra.judging import CeilingReached, ConditionFailed, FloorReached
from guilder_server.ledger.verification import PROOFS
from tests.postgres.library import NOW, STRANGER, TENANT, Library, opened
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

# Each is some thirty commits.
EXAMPLES = (settings.default.max_examples if settings.default else 100) // 2

_numbers = count(1)
_tenants = count(100, 2)

TILL = AccountRef("till", "usd", "debit", floor=0)
PURSES = [AccountRef(f"purse/{number}", "usd", "credit", floor=-40) for number in range(3)]
WORLD = AccountRef("world", "usd", "debit")
ACCOUNTS = (TILL, *PURSES, WORLD)

# The proofs that speak of the ledger alone, whoever has opened its accounts.
_CLAIMS = (
    "every entry is in the currency of its transaction and its account",
    "every transaction sums to zero",
    "every balance is the sum of its entries",
    "running balances follow one another without a gap",
    "entries follow one another in time",
    "what callers posted is what they said",
    "what is reversed was taken back",
    "every reference is of one transaction",
    "what is held is what pending transactions hold",
    "no account is below its floor or above its ceiling",
)
_OWN = [next(proof for proof in PROOFS if proof.claim == claim) for claim in _CLAIMS]


@pytest.fixture(scope="module")
async def library(postgres: TestDatabases) -> AsyncIterator[Library]:
    with postgres.database() as url:
        async with opened(url) as library:
            yield library


@st.composite
def _legs(draw: st.DrawFn) -> tuple[Leg, ...]:
    amounts = draw(st.lists(st.integers(-50, 100).filter(bool), min_size=1, max_size=3))
    if rest := -sum(amounts):
        amounts.append(rest)
    else:
        amounts = [amounts[0], -amounts[0]]
    return tuple(Leg(draw(st.sampled_from(ACCOUNTS)), amount) for amount in amounts)


def _transaction(*legs: Leg) -> LedgerTransaction:
    currency = legs[0].account.currency
    return LedgerTransaction(f"txn_{next(_numbers)}", "charge", "ch_1", NOW, NOW, currency, legs)


def _move(amount: int, source: AccountRef, target: AccountRef) -> LedgerTransaction:
    """`amount` from one account's debit side to another's."""
    return _transaction(Leg(target, amount), Leg(source, -amount))


def _set(*transactions: LedgerTransaction, tenant: Tenant = TENANT) -> Changes:
    changes = Changes(tenant)
    for transaction in transactions:
        changes.post(transaction)
    return changes


async def _outcomes(library: Library, *sets: Changes) -> list[type]:
    commits = [library.committer.commit(changes) for changes in sets]
    return [type(one) for one in await asyncio.gather(*commits, return_exceptions=True)]


async def _entries(library: Library, tenant: Tenant) -> list[tuple[Any, ...]]:
    return await library.rows(
        "SELECT a.code, a.currency, e.version, e.amount, e.balance FROM ledger_entries e "
        "JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id "
        "WHERE e.tenant_id = %s ORDER BY 1, 2, 3",
        tenant.id,
    )


def _tenant() -> Tenant:
    return Tenant(next(_tenants), "acct_1", livemode=False)


@given(
    batches=st.lists(st.lists(st.lists(_legs(), min_size=1, max_size=2), max_size=6), max_size=4)
)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_a_batch_posts_what_its_sets_post_one_by_one(
    library: Library, batches: list[list[list[tuple[Leg, ...]]]]
) -> None:
    merged, single = _tenant(), _tenant()
    for batch in batches:
        together = [_set(*(_transaction(*legs) for legs in one), tenant=merged) for one in batch]
        apart = [_set(*(_transaction(*legs) for legs in one), tenant=single) for one in batch]
        outcomes = await _outcomes(library, *together)
        assert outcomes == [(await _outcomes(library, one))[0] for one in apart]
        assert set(outcomes) <= {type(None), FloorReached}
    assert await _entries(library, merged) == await _entries(library, single)
    for proof in _OWN:
        assert await library.rows(proof.differences) == [], proof.claim


async def test_a_posting_that_would_break_a_floor_is_refused_and_leaves_nothing(
    library: Library,
) -> None:
    tenant = _tenant()
    sets = [
        _set(_move(30, WORLD, TILL), tenant=tenant),
        _set(_move(31, TILL, WORLD), tenant=tenant),
        _set(_move(30, TILL, WORLD), tenant=tenant),
        _set(_move(1, TILL, WORLD), tenant=tenant),
    ]
    assert await _outcomes(library, *sets) == [type(None), FloorReached, type(None), FloorReached]
    assert [entry[2:] for entry in await _entries(library, tenant) if entry[0] == "till"] == [
        (1, 30, 30),
        (2, -30, 0),
    ]


async def test_who_breaks_a_floor_hears_that_the_balance_is_not_enough(library: Library) -> None:
    with pytest.raises(FloorReached, match="till") as refused:
        await library.committer.commit(_set(_move(1, TILL, WORLD), tenant=_tenant()))
    assert isinstance(refused.value, Refused)
    assert refused.value.code == "balance_insufficient"
    assert refused.value.decided


async def test_a_floor_is_counted_on_the_normal_side(library: Library) -> None:
    """A purse is a debt of ours: it falls when it is debited."""
    tenant = _tenant()
    outcomes = [
        (await _outcomes(library, _set(_move(amount, WORLD, PURSES[0]), tenant=tenant)))[0]
        for amount in (40, 1)
    ]
    assert outcomes == [type(None), FloorReached]


async def test_all_of_a_set_is_refused_if_one_of_its_transactions_is(library: Library) -> None:
    tenant = _tenant()
    both = _set(_move(5, WORLD, PURSES[1]), _move(1, TILL, WORLD), tenant=tenant)
    assert await _outcomes(library, both) == [FloorReached]
    assert await _entries(library, tenant) == []


async def test_a_floor_holds_after_each_entry_of_a_set(library: Library) -> None:
    tenant = _tenant()
    there_and_back = _set(_move(5, TILL, WORLD), _move(5, WORLD, TILL), tenant=tenant)
    assert await _outcomes(library, there_and_back) == [FloorReached]
    back_and_there = _set(_move(5, WORLD, TILL), _move(5, TILL, WORLD), tenant=tenant)
    assert await _outcomes(library, back_and_there) == [type(None)]


async def test_the_floor_that_an_account_came_into_being_with_stays(library: Library) -> None:
    tenant = _tenant()
    strict = AccountRef("box", "usd", "debit", floor=0)
    loose = AccountRef("box", "usd", "debit")
    sets = [
        _set(_move(1, WORLD, strict), tenant=tenant),
        _set(_move(2, loose, WORLD), tenant=tenant),
    ]
    assert await _outcomes(library, *sets) == [type(None), FloorReached]
    assert await _outcomes(library, sets[1]) == [FloorReached]


async def test_an_account_is_one_for_each_currency_and_tenant(library: Library) -> None:
    euros = AccountRef("till", "eur", "debit", floor=0), AccountRef("world", "eur", "debit")
    sets = [
        _set(_move(1, WORLD, TILL)),
        _set(_move(2, euros[1], euros[0])),
        _set(_move(4, WORLD, TILL), tenant=STRANGER),
    ]
    assert await _outcomes(library, *sets) == [type(None)] * 3
    found = await library.rows(
        "SELECT tenant_id, currency, balance FROM ledger_accounts "
        "WHERE code = 'till' AND tenant_id <= 2 ORDER BY 1, 2"
    )
    assert found == [(1, "eur", 2), (1, "usd", 1), (2, "usd", 4)]


async def test_accounts_that_are_forgotten_are_found_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    tenant = _tenant()
    for _ in range(3):
        for number in range(5):
            box = AccountRef(f"box/{number}", "usd", "debit")
            assert await _outcomes(library, _set(_move(1, WORLD, box), tenant=tenant)) == [
                type(None)
            ]
    balances = await library.rows(
        "SELECT code, balance, version FROM ledger_accounts WHERE tenant_id = %s ORDER BY 1",
        tenant.id,
    )
    assert balances == [*((f"box/{number}", 3, 3) for number in range(5)), ("world", -15, 15)]


async def test_a_ceiling_holds_on_the_normal_side_after_each_entry(library: Library) -> None:
    tenant = _tenant()
    boxes = [AccountRef(f"box/{side}", "usd", side, ceiling=5) for side in ("debit", "credit")]
    for box in boxes:
        up, down = (WORLD, box), (box, WORLD)
        if box.normal_side == "credit":
            up, down = down, up
        sets = [
            _set(_move(5, *up), tenant=tenant),
            _set(_move(1, *up), tenant=tenant),
            _set(_move(1, *up), _move(1, *down), tenant=tenant),
            _set(_move(1, *down), _move(1, *up), tenant=tenant),
        ]
        outcomes = [(await _outcomes(library, one))[0] for one in sets]
        assert outcomes == [type(None), CeilingReached, CeilingReached, type(None)]


def _conditioned(transaction: LedgerTransaction, *conditions: Condition) -> LedgerTransaction:
    return replace(transaction, conditions=conditions)


async def test_a_condition_sees_the_account_before_and_after_its_own_transaction(
    library: Library,
) -> None:
    tenant = _tenant()

    async def outcome(*conditions: Condition) -> type:
        """One unit moves in, then another under these conditions, in one set."""
        both = _move(1, WORLD, TILL), _conditioned(_move(1, WORLD, TILL), *conditions)
        return (await _outcomes(library, _set(*both, tenant=tenant)))[0]

    assert await outcome(Condition(TILL, entries=0)) is ConditionFailed
    assert await outcome(Condition(TILL, entries=2)) is ConditionFailed
    assert await outcome(Condition(TILL, least=3)) is ConditionFailed
    assert await outcome(Condition(TILL, most=1)) is ConditionFailed
    assert await _entries(library, tenant) == []
    assert await outcome(Condition(TILL, entries=1, least=2, most=2)) is type(None)
    assert await outcome(Condition(WORLD, entries=3, least=-4)) is type(None)


async def test_who_decides_again_hears_of_no_limit_but_to_look_again(library: Library) -> None:
    tenant = _tenant()
    for limit in (
        _set(_move(1, TILL, WORLD), tenant=tenant),
        _set(_conditioned(_move(1, WORLD, TILL), Condition(TILL, entries=9)), tenant=tenant),
        Changes(tenant, conditions=[Condition(TILL, least=1)]),
    ):
        limit.decides_again = True
        assert await _outcomes(library, limit) == [GuardLost]
    assert await _entries(library, tenant) == []


async def test_an_account_is_opened_by_a_set_that_is_granted_and_by_no_other(
    library: Library,
) -> None:
    tenant = _tenant()
    opening = Changes(tenant, conditions=[Condition(TILL, least=1)])
    opening.open(AccountRef("box", "usd", "debit", floor=-1, ceiling=2, id="la_box"))
    asked = (
        "SELECT public_id, floor, ceiling, balance, version FROM ledger_accounts "
        "WHERE tenant_id = %s AND code = 'box'"
    )
    assert await _outcomes(library, opening) == [ConditionFailed]
    assert await library.rows(asked, tenant.id) == []
    opening.conditions.clear()
    assert await _outcomes(library, opening) == [type(None)]
    assert await library.rows(asked, tenant.id) == [("la_box", -1, 2, 0, 0)]
    box = AccountRef("box", "usd", "debit")
    sets = [_set(_move(amount, WORLD, box), tenant=tenant) for amount in (2, 1)]
    assert await _outcomes(library, *sets) == [type(None), CeilingReached]


async def test_a_balance_of_all_63_bits_is_held_and_no_more(library: Library) -> None:
    tenant = _tenant()
    most = (1 << 63) - 1
    for source, target in ((WORLD, PURSES[2]), (PURSES[2], WORLD)):
        free = replace(source, code=f"free/{source.code}"), replace(target, code=target.code + "/")
        free = tuple(replace(one, floor=None) for one in free)  # type: ignore[assignment]
        sets = [_set(_move(amount, *free), tenant=tenant) for amount in (most, 1)]
        assert await _outcomes(library, *sets) == [type(None), CeilingReached]


async def test_a_balance_that_no_column_holds_fails_alone(library: Library) -> None:
    tenant = _tenant()
    most = (1 << 63) - 1
    sets = [
        _set(_move(most, WORLD, TILL), tenant=tenant),
        _set(_move(1, WORLD, TILL), tenant=tenant),
        _set(_move(most, TILL, WORLD), tenant=tenant),
    ]
    first, second, third = await _outcomes(library, *sets)
    assert first is third is type(None)
    assert issubclass(second, Exception)


async def test_entries_carry_what_happened_in_the_order_in_which_it_did(library: Library) -> None:
    tenant = _tenant()
    sets = [_set(_move(amount, WORLD, TILL), tenant=tenant) for amount in (1, 2, 3)]
    await _outcomes(library, *sets)
    found = await library.rows(
        "SELECT e.transaction_id, e.balance FROM ledger_entries e JOIN ledger_accounts a "
        "ON a.tenant_id = e.tenant_id AND a.id = e.account_id "
        "WHERE e.tenant_id = %s AND a.code = 'till' ORDER BY e.version",
        tenant.id,
    )
    assert found == [
        (changes.postings[0].id, balance) for changes, balance in zip(sets, (1, 3, 6), strict=True)
    ]
