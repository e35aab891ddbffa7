"""Whatever is done with wallets, in whatever order, they do what a small model in Python does."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.wallets.domain.wallet import Limits
from tests.ledger.desk import NOON, Desk, opened, refusal
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

EXAMPLES = 40
# A campaign has 20,000 sequences, in parts that processes share.
PARTS, SEQUENCES = 20, 1_000
STEPS = 20
WALLETS = 3

_WALLET = st.integers(0, WALLETS - 1)
_AMOUNT = st.integers(1, 120)
_HOLD = st.integers(0, 3)  # counted from the latest
_PART = st.none() | st.integers(1, 40)
_LIMIT = st.none() | st.integers(30, 300)
_FIRST = [("limit", (1, 150, 400)), ("limit", (2, None, 300))]
_OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("transfer"), st.tuples(_WALLET, _WALLET, _AMOUNT)),
        st.tuples(st.just("transfer"), st.tuples(_WALLET, _WALLET, _AMOUNT)),
        st.tuples(st.just("hold"), st.tuples(_WALLET, st.none() | _WALLET, st.integers(30, 120))),
        st.tuples(st.just("capture"), st.tuples(_HOLD, _PART, st.booleans())),
        st.tuples(st.just("capture"), st.tuples(_HOLD, _PART, st.just(False))),
        st.tuples(st.just("release"), st.tuples(_HOLD)),
        st.tuples(st.just("status"), st.tuples(_WALLET, st.sampled_from(["open", "frozen"]))),
        st.tuples(st.just("limit"), st.tuples(_WALLET, _LIMIT, _LIMIT)),
        st.tuples(st.just("wait"), st.tuples(st.integers(1, 40))),
    ),
    min_size=STEPS,
    max_size=2 * STEPS,
)


@dataclass
class Purse:
    floor: int
    balance: int = 0
    held: int = 0
    status: str = "open"
    limits: Limits = field(default_factory=Limits)
    spent: Counter[str] = field(default_factory=Counter)


@dataclass
class Kept:
    wallet: int
    destination: int | None
    left: int
    days: tuple[str, str] | None  # in which it counts
    status: str = "held"


class Model:
    def __init__(self) -> None:
        # One that is soon empty, and two that hit their limits first.
        self.purses = [Purse(floor=floor) for floor in (-100, -1_000, -2_000)]
        self.holds: list[Kept] = []
        self.merchant = 0
        self.now = NOON

    @property
    def days(self) -> tuple[str, str]:
        return f"{self.now:%Y-%m-%d}", f"{self.now:%Y-%m}"

    def transfer(self, wallet: int, destination: int, amount: int) -> str | None:
        return self._unfit(wallet, destination) or self._spend(wallet, amount, to=destination)

    def hold(self, wallet: int, destination: int | None, amount: int) -> str | None:
        if code := self._unfit(wallet, destination) or self._spend(wallet, amount, keep=True):
            return code
        days = self.days if self.purses[wallet].limits.any else None
        self.holds.append(Kept(wallet, destination, amount, days))
        return None

    def capture(self, number: int, amount: int | None, final: bool) -> str | None:
        hold = self.holds[number]
        if hold.status != "held":
            return "wallet_hold_unexpected_state"
        if self.purses[hold.wallet].status == "frozen":
            return "wallet_frozen"
        amount = hold.left if amount is None else amount
        if amount > hold.left:
            return "amount_too_large"
        if hold.destination is not None and self.purses[hold.destination].status == "frozen":
            return "wallet_frozen"
        rest = hold.left - amount
        purse = self.purses[hold.wallet]
        purse.balance -= amount
        purse.held -= amount
        hold.left = rest
        self._arrive(hold.destination, amount)
        if final or not rest:
            self._let_go(hold, "captured")
        return None

    def release(self, number: int) -> str | None:
        if self.holds[number].status != "held":
            return "wallet_hold_unexpected_state"
        self._let_go(self.holds[number], "released")
        return None

    def _unfit(self, wallet: int, destination: int | None) -> str | None:
        if wallet == destination:
            return "parameter_invalid"
        there = [one for one in (wallet, destination) if one is not None]
        return "wallet_frozen" if "frozen" in [self.purses[one].status for one in there] else None

    def _spend(
        self, wallet: int, amount: int, *, to: int | None = None, keep: bool = False
    ) -> str | None:
        purse, limits = self.purses[wallet], self.purses[wallet].limits
        if limits.per_transfer is not None and amount > limits.per_transfer:
            return "wallet_limit_exceeded"
        if purse.balance - purse.held - amount < purse.floor:
            return "balance_insufficient"
        for day, most in zip(self.days, (limits.per_day, limits.per_month), strict=True):
            if most is not None and purse.spent[day] + amount > most:
                return "wallet_limit_exceeded"
        if limits.any:
            purse.spent.update(dict.fromkeys(self.days, amount))
        if keep:
            purse.held += amount
            return None
        purse.balance -= amount
        self._arrive(to, amount)
        return None

    def _arrive(self, destination: int | None, amount: int) -> None:
        if destination is None:
            self.merchant += amount
        else:
            self.purses[destination].balance += amount

    def _let_go(self, hold: Kept, status: str) -> None:
        purse = self.purses[hold.wallet]
        purse.held -= hold.left
        for day in hold.days or ():
            purse.spent[day] -= hold.left
        hold.left, hold.status = 0, status


class Machine:
    """The wallets and their model, side by side."""

    def __init__(self, desk: Desk) -> None:
        desk.clock.instant = NOON
        self.desk, self.house, self.model = desk, desk.house, Model()
        self.tenant = desk.tenant()
        self.wallets: list[str] = []
        self.holds: list[Any] = []

    async def open(self) -> None:
        for purse in self.model.purses:
            given = {"currency": "usd", "floor": purse.floor}
            made = self.desk.carry_out(
                lambda given=given: self.house.wallets.create(self.tenant, given)  # type: ignore[misc]
            )
            self.wallets.append((await made).id)

    async def do(self, what: str, how: tuple[Any, ...]) -> None:
        match what:
            case "transfer":
                await self._same(self.model.transfer(*how), self._transfer(*how))
            case "hold":
                code, holding = self.model.hold(*how), self._hold(*how)
                await self._same(code, holding)
            case "capture" | "release" if self.holds:
                number = -1 - how[0] % len(self.holds)
                code = getattr(self.model, what)(number, *how[1:])
                await self._same(code, getattr(self, f"_{what}")(number, *how[1:]))
            case "status":
                self.model.purses[how[0]].status = how[1]
                await self._update(how[0], status=how[1])
            case "limit":
                await self._limit(*how)
            case "wait":
                self.desk.clock.advance(timedelta(hours=how[0]))
                self.model.now = self.desk.clock.now()

    async def _transfer(self, wallet: int, destination: int, amount: int) -> None:
        given = {"destination": self.wallets[destination], "amount": amount}
        flows = self.house.wallet_transfers
        await self.desk.carry_out(lambda: flows.create(self.tenant, self.wallets[wallet], given))

    async def _hold(self, wallet: int, destination: int | None, amount: int) -> None:
        given: dict[str, Any] = {"amount": amount}
        if destination is not None:
            given["destination"] = self.wallets[destination]
        flows = self.house.wallet_holds
        made = self.desk.carry_out(lambda: flows.create(self.tenant, self.wallets[wallet], given))
        self.holds.append(await made)

    async def _capture(self, number: int, amount: int | None, final: bool) -> None:
        given = {"final_capture": final} | ({} if amount is None else {"amount": amount})
        hold, flows = self.holds[number], self.house.wallet_holds
        await self.desk.carry_out(
            lambda: flows.capture(self.tenant, hold.wallet_id, hold.id, given)
        )

    async def _release(self, number: int) -> None:
        hold, flows = self.holds[number], self.house.wallet_holds
        await self.desk.carry_out(lambda: flows.release(self.tenant, hold.wallet_id, hold.id))

    async def _limit(self, wallet: int, day: int | None, month: int | None) -> None:
        if day is not None and month is not None and day > month:
            day, month = month, day
        purse = self.model.purses[wallet]
        purse.limits = Limits(per_day=day, per_month=month)
        given = {"per_day": day or "", "per_month": month or ""}
        await self._update(wallet, limits=given)

    async def _update(self, wallet: int, **given: Any) -> None:
        flows = self.house.wallets
        await self.desk.carry_out(lambda: flows.update(self.tenant, self.wallets[wallet], given))

    async def _same(self, code: str | None, doing: Awaitable[Any]) -> None:
        assert await refusal(doing) == code

    async def check(self) -> None:
        for id, purse in zip(self.wallets, self.model.purses, strict=True):
            found = await self.house.purses.purse(self.tenant, id)
            assert found is not None
            assert (found.balance, found.held) == (purse.balance, purse.held)
            assert found.available >= 0
        assert sum(purse.balance for purse in self.model.purses) + self.model.merchant == 0


@pytest.fixture(scope="module")
async def desk(postgres: TestDatabases) -> AsyncIterator[Desk]:
    with postgres.database() as url:
        async with opened(url) as desk:
            yield desk


async def _run(desk: Desk, operations: list[tuple[str, Any]]) -> None:
    machine = Machine(desk)
    await machine.open()
    for what, how in [*_FIRST, *operations]:
        await machine.do(what, how)
    await machine.check()


@given(operations=_OPERATIONS)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_wallets_do_what_their_model_does(
    desk: Desk, operations: list[tuple[str, Any]]
) -> None:
    await _run(desk, operations)


async def test_wallets_after_all_that_are_proved(desk: Desk) -> None:
    assert await desk.differences() == []


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@given(operations=_OPERATIONS)
@settings(max_examples=SEQUENCES, suppress_health_check=list(HealthCheck), derandomize=False)
async def test_twenty_thousand_wallets_do_what_their_models_do(
    desk: Desk, part: int, operations: list[tuple[str, Any]]
) -> None:
    await _run(desk, operations)
