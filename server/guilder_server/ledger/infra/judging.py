"""Judging what a change set posts: floors, ceilings and conditions, on accounts that are locked.

A change set is judged on what those before it in the batch leave behind, leg by leg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.postings import AccountRef, Condition, Holding, LedgerTransaction
from guilder_server.ledger.domain.transfers import within

Place = tuple[int, str, str]  # tenant, code, currency
Move = LedgerTransaction | Holding


def _called(account: AccountRef) -> str:
    return account.called or f"{account.code} ({account.currency})"


class LimitReached(Refused):
    """A posting would leave an account with a balance that it may not have."""


class FloorReached(LimitReached):
    """The account would fall below the least balance it may have."""

    def __init__(self, account: AccountRef, param: str | None = None) -> None:
        super().__init__(
            "balance_insufficient",
            f"The balance of {_called(account)} is not enough for this. Nothing was posted.",
            param,
        )


class CeilingReached(LimitReached):
    """The account would rise above the most that it may hold."""

    def __init__(self, account: AccountRef, param: str | None = None) -> None:
        super().__init__(
            "balance_exceeded",
            f"{_called(account)} would hold more than it may. Nothing was posted.",
            param,
        )


class ConditionFailed(LimitReached):
    def __init__(self, condition: Condition, what: str) -> None:
        super().__init__(
            "ledger_condition_failed",
            f"{condition.account.code} ({condition.account.currency}) {what}. Nothing was posted.",
            condition.param,
        )


@dataclass(slots=True)
class _Held:
    """What pending transactions hold of an account."""

    held_debits: int
    held_credits: int

    def hold(self, amount: int, *, released: bool) -> None:
        sign = -1 if released else 1
        if amount > 0:
            self.held_debits += sign * amount
        else:
            self.held_credits -= sign * amount


@dataclass(slots=True)
class Account(_Held):
    id: int
    balance: int
    version: int
    floor: int | None
    ceiling: int | None
    normal_side: str
    posted_at: datetime
    touched: bool = False

    def normal(self, balance: int) -> int:
        return balance if self.normal_side == "debit" else -balance


@dataclass(slots=True)
class _After(_Held):
    """An account as it would be after what has been judged so far."""

    balance: int
    version: int


class Trial:
    """One change set on accounts that stay as they are; used once."""

    def __init__(self, accounts: Mapping[Place, Account]) -> None:
        self._accounts = accounts
        self._after: dict[Place, _After] = {}

    def refusal(self, changes: Changes) -> Exception | None:
        """Why it cannot be posted, if it cannot."""
        for move in changes.postings:
            refusal = self._refusal_of(changes, move)
            if refusal is not None:
                return refusal
        return self._broken(changes, changes.conditions, self._after)

    def _refusal_of(self, changes: Changes, move: Move) -> Exception | None:
        before = {
            place: replace(self._now(place, self._after))
            for place in (place_of(changes, condition.account) for condition in move.conditions)
        }
        for leg in move.legs:
            place = place_of(changes, leg.account)
            now = self._now(place, self._after)
            if isinstance(move, LedgerTransaction):
                now.balance += leg.amount
                now.version += 1
            else:
                now.hold(leg.amount, released=move.released)
            refusal = self._beyond(leg.account, self._accounts[place], now, move.param)
            if refusal is not None:
                return refusal
        return self._broken(changes, move.conditions, before)

    def _beyond(
        self, ref: AccountRef, account: Account, now: _After, param: str | None
    ) -> Exception | None:
        """Limits hold with what is pending counted: as if all that is held against the account
        were posted, and nothing of what is held in its favour."""
        normal = account.normal(now.balance)
        debits = account.normal_side == "debit"
        going = now.held_credits if debits else now.held_debits
        coming = now.held_debits if debits else now.held_credits
        if account.floor is not None and normal - going < account.floor:
            return FloorReached(ref, param)
        if not within(account.ceiling, normal, going, coming):
            return CeilingReached(ref, param)
        return None

    def _broken(
        self, changes: Changes, conditions: Sequence[Condition], before: dict[Place, _After]
    ) -> Exception | None:
        for condition in conditions:
            place = place_of(changes, condition.account)
            had, has = self._now(place, before), self._now(place, self._after)
            broken = _what_breaks(condition, self._accounts[place], had, has)
            if broken is not None:
                return condition.refusal or ConditionFailed(condition, broken)
        return None

    def _now(self, place: Place, among: dict[Place, _After]) -> _After:
        now = among.get(place)
        if now is None:
            account = self._accounts[place]
            now = among[place] = _After(
                account.held_debits, account.held_credits, account.balance, account.version
            )
        return now


def place_of(changes: Changes, ref: AccountRef) -> Place:
    return (changes.tenant.id, ref.code, ref.currency)


def _what_breaks(condition: Condition, account: Account, had: _After, has: _After) -> str | None:
    normal = account.normal(has.balance)
    coming = has.held_debits if account.normal_side == "debit" else has.held_credits
    if condition.entries not in (None, had.version):
        return f"has {had.version} entries by now"
    if condition.least is not None and normal < condition.least:
        return f"would be left with {normal}"
    if condition.most is not None and normal + coming > condition.most:
        return f"would be left with {normal + coming}"
    if condition.free and (has.held_debits or has.held_credits):
        return "has money that is held"
    return None
