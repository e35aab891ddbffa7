"""Whatever is done to a ledger, in whatever order, it does what a small model in Python does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.transfers import Expectation
from tests.ledger.desk import Desk, opened, refusal, wish
from tests.ledger.model import Account, Books, Pair, Wanted
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

EXAMPLES = 60
# A campaign has 20,000 sequences, in parts that processes share.
PARTS, SEQUENCES = 20, 1_000
STEPS = 20

_NUMBERS = st.integers(0, 7)
_AMOUNTS = st.integers(1, 60) | st.just(10**15)
_PAIRS = st.lists(st.tuples(_NUMBERS, _NUMBERS, _AMOUNTS), min_size=1, max_size=3)
_CONDITIONS = st.lists(
    st.tuples(_NUMBERS, st.none() | st.integers(0, 9), st.none() | st.integers(-60, 60)).filter(
        lambda terms: terms[1:] != (None, None)
    ),
    max_size=1,
)
_WISHES = st.builds(
    Wanted, _PAIRS, st.just([]) | _CONDITIONS, st.none() | st.sampled_from("abcdefgh")
)
_OPEN = st.tuples(
    st.just("open"),
    st.builds(
        Account,
        st.sampled_from(["debit", "credit"]),
        st.sampled_from(["usd", "usd", "usd", "eur"]),
        st.none() | st.integers(-50, 0),
        st.none() | st.integers(0, 200),
    ),
)
_POST = st.tuples(st.just("post"), _WISHES)
_BULK = st.tuples(
    st.sampled_from(["atomic", "independent"]), st.lists(_WISHES, min_size=1, max_size=6)
)
_REVERSE = st.tuples(
    st.just("reverse"), st.tuples(st.integers(0, 50), st.none() | st.integers(1, 60))
)
_HOLD = st.tuples(st.just("hold"), st.tuples(_WISHES, st.none() | st.integers(1, 30)))
_END = st.tuples(
    st.sampled_from(["post_hold", "void"]), st.tuples(st.integers(0, 20), st.none() | _AMOUNTS)
)
_WAIT = st.tuples(st.just("wait"), st.integers(1, 20))
_STATUS = st.tuples(
    st.just("status"), st.tuples(_NUMBERS, st.sampled_from(["open", "open", "frozen", "closed"]))
)
_LIMITLESS = [("open", Account(side, "usd", None, None)) for side in ("debit", "credit")]
_OPERATIONS = st.lists(
    st.one_of(_POST, _POST, _BULK, _HOLD, _HOLD, _END, _END, _WAIT, _REVERSE, _STATUS, _OPEN),
    min_size=STEPS,
    max_size=2 * STEPS,
)


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


class Machine:
    """The ledger and its model, side by side."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.books = desk, Books()
        self.tenant: Tenant = desk.tenant()
        self.accounts: list[str] = []
        self.transactions: list[str] = []
        self.holds: list[str] = []

    async def do(self, what: str, how: Any) -> None:
        match what:
            case "open":
                await self._open(how)
            case "post":
                await self._post(how.among(len(self.accounts)))
            case "hold":
                await self._hold(how[0].among(len(self.accounts)), how[1])
            case "post_hold" | "void" if self.holds:
                await self._end(what, *how)
            case "wait":
                await self._wait(how)
            case "reverse":
                await self._reverse(*how)
            case "status":
                await self._status(*how)
            case "atomic" | "independent":
                wishes = [one.among(len(self.accounts)) for one in how]
                await self._bulk(wishes, atomic=what == "atomic")

    async def _open(self, account: Account) -> None:
        limits = {"floor": account.floor, "ceiling": account.ceiling}
        code = f"account/{len(self.accounts)}"
        self.accounts.append(
            await self.desk.open(
                self.tenant, code, currency=account.currency, normal_side=account.side, **limits
            )
        )
        self.books.open(account)

    async def _post(self, wanted: Wanted) -> None:
        posting = self.desk.carry_out(lambda: self._flows.post(self.tenant, self._wish(wanted)))
        await self._same(self.books.post(wanted), posting)

    async def _hold(self, wanted: Wanted, seconds: int | None) -> None:
        until = None if seconds is None else self.books.now + seconds
        expires_at = None
        if seconds is not None:
            expires_at = self.desk.clock.now() + timedelta(seconds=seconds)
        sent = replace(self._wish(wanted), pending=True, expires_at=expires_at)
        holding = self.desk.carry_out(lambda: self._flows.post(self.tenant, sent))
        await self._same(self.books.hold(wanted, until), holding, self.holds)

    async def _end(self, what: str, number: int, amount: int | None) -> None:
        number %= len(self.holds)
        id, flows = self.holds[number], self.desk.house.holds
        if what == "void":
            voiding = self.desk.carry_out(lambda: flows.void(self.tenant, id))
            assert await refusal(voiding) == self.books.void(number)
            return
        posting = self.desk.carry_out(lambda: flows.post(self.tenant, id, amount))
        await self._same(self.books.post_hold(number, amount), posting)

    async def _wait(self, seconds: int) -> None:
        self.desk.clock.advance(timedelta(seconds=seconds))
        self.books.wait(seconds)
        for id in self.holds:
            await self._expired(id)

    async def _expired(self, id: str) -> None:
        done = await self.desk.house.holds.expire(self.tenant, id)
        if done is not None:
            await self.desk.ground.committer.commit(done.changes)

    async def _bulk(self, wishes: list[Wanted], *, atomic: bool) -> None:
        sent = [self._wish(one) for one in wishes]
        posting = self.desk.post_all(self.tenant, *sent, atomic=atomic)
        if atomic:
            code = self.books.post_together(wishes)
            if code is not None:
                assert await refusal(posting) == code
                return
            codes: list[str | None] = [None] * len(wishes)
        else:
            codes = [self.books.post(one) for one in wishes]
        results = (await posting).results
        assert [one.code or None for one in results] == codes
        self.transactions += [one.transaction for one in results if one.transaction is not None]

    async def _reverse(self, number: int, amount: int | None) -> None:
        if self.transactions:
            number %= len(self.transactions)
            reversing = self.desk.reverse(self.tenant, self.transactions[number], amount)
            await self._same(self.books.reverse(number, amount), reversing)

    async def _status(self, number: int, status: str) -> None:
        number %= len(self.accounts)
        updating = self.desk.update(self.tenant, self.accounts[number], status=status)
        assert await refusal(updating) == self.books.status(number, status)

    async def _same(self, code: str | None, posting: Any, made: list[str] | None = None) -> None:
        if code is None:
            (self.transactions if made is None else made).append((await posting).id)
        else:
            assert await refusal(posting) == code

    def _wish(self, wanted: Wanted) -> Any:
        ids = self.accounts
        return wish(
            [(ids[debit], ids[credit], amount) for debit, credit, amount in wanted.pairs],
            conditions=[
                Expectation(ids[number], entries, least)
                for number, entries, least in wanted.conditions
            ],
            reference=wanted.reference,
        )

    @property
    def _flows(self) -> Any:
        return self.desk.house.transactions

    async def check(self) -> None:
        """What is in the database is what the model has, and all of it adds up."""
        found = await self.desk.rows(
            "SELECT a.public_id, e.version, e.amount, e.balance, e.transaction_id, a.currency "
            "FROM ledger_entries e "
            "JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id "
            "WHERE e.tenant_id = %s ORDER BY 1, 2",
            self.tenant.id,
        )
        entries, sums = defaultdict(list), defaultdict(int)
        for account, version, amount, balance, transaction, currency in found:
            entries[account].append(amount)
            sums[transaction, currency] += amount
            assert version == len(entries[account])
            assert balance == sum(entries[account])
        assert not any(sums.values())
        assert {transaction for transaction, _ in sums} == set(self.transactions)
        for id, account in zip(self.accounts, self.books.accounts, strict=True):
            assert entries[id] == account.entries
            standing = await self.desk.house.ledger_accounts.retrieve(self.tenant, id)
            assert (standing.balance, standing.entries) == (account.normal, len(account.entries))
            assert standing.account.status == account.status
            held = (standing.held_debits, standing.held_credits)
            assert held == (account.held_debits, account.held_credits)
            assert account.floor is None or standing.balance >= account.floor
            assert account.ceiling is None or standing.balance <= account.ceiling


async def _run(desk: Desk, operations: list[tuple[str, Any]]) -> None:
    machine = Machine(desk)
    for what, how in [*_LIMITLESS, *operations]:
        await machine.do(what, how.copy() if isinstance(how, Account) else how)
    await machine.check()


@given(operations=_OPERATIONS)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_a_ledger_does_what_its_model_does(
    desk: Desk, operations: list[tuple[str, Any]]
) -> None:
    await _run(desk, operations)


async def test_a_ledger_after_all_that_is_sound(desk: Desk) -> None:
    machine = Machine(desk)
    for what, how in _LIMITLESS:
        await machine.do(what, how.copy())
    pairs: list[Pair] = [(0, 1, 5), (1, 0, 3)]
    await machine.do("post", Wanted(pairs))
    await machine.do("reverse", (0, None))
    await machine.check()
    assert await desk.differences() == []


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@given(operations=_OPERATIONS)
@settings(max_examples=SEQUENCES, suppress_health_check=list(HealthCheck), derandomize=False)
async def test_twenty_thousand_ledgers_do_what_their_models_do(
    desk: Desk, part: int, operations: list[tuple[str, Any]]
) -> None:
    await _run(desk, operations)
