"""Where money leaves a wallet in the ledger, and is counted against the wallet's limits.

A limit holds whatever runs at once, because it is judged where balances are: what leaves in a day
and in a month is counted on memorandum accounts, by the transaction that moves the money, and the
poster refuses what would count past the limit. What is held counts from when it is held. A wallet
is counted while it has a limit, so one that gets its first limit has nothing behind it yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from guilder_server.kernel.postings import (
    AccountRef,
    Condition,
    Holding,
    LedgerTransaction,
    Leg,
)
from guilder_server.ledger import chart
from guilder_server.wallets.domain.wallet import Wallet, limit_reached

AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why money moves: the ledger's word for it, the object that caused it, and what is said."""

    kind: str
    source: str
    description: str | None = None


def account_of(wallet: Wallet) -> AccountRef:
    return chart.wallet(wallet.id, wallet.currency, wallet.floor, wallet.ledger_account_id)


def paid_out(
    id: str,
    cause: Cause,
    wallet: Wallet,
    to: AccountRef,
    amount: int,
    now: datetime,
    *,
    param: str = AMOUNT,
) -> LedgerTransaction:
    """`amount` goes from the wallet to `to`, as far as the wallet's limits let it."""
    counts = counted(wallet, amount, now) if wallet.limits.any else ()
    conditions = limits(wallet, now, param) if wallet.limits.any else ()
    return _moved(id, cause, account_of(wallet), to, amount, now, counts, conditions, param)


def taken(
    id: str,
    cause: Cause,
    wallet: Wallet,
    to: AccountRef,
    amount: int,
    now: datetime,
    counted_on: datetime | None,
    *,
    param: str = AMOUNT,
) -> LedgerTransaction:
    """What was held goes to `to`. It has passed the limits of the day on which it was held; it
    is counted there, unless that is None."""
    counts = () if counted_on is None else counted(wallet, amount, counted_on)
    return _moved(id, cause, account_of(wallet), to, amount, now, counts, (), param)


def brought(
    id: str,
    cause: Cause,
    wallet: Wallet,
    origin: AccountRef,
    amount: int,
    now: datetime,
    available: datetime,
) -> LedgerTransaction:
    """`amount` of what the merchant may pay out from `available` on comes into the wallet, or,
    below zero, goes back; neither is its holder's wish, and no limit counts it."""
    moved = _moved(id, cause, origin, account_of(wallet), amount, now, (), (), AMOUNT)
    return replace(moved, available=available)


def put_back(
    id: str,
    cause: Cause,
    wallet: Wallet,
    origin: AccountRef,
    amount: int,
    now: datetime,
    counted_on: datetime | None,
) -> LedgerTransaction:
    """What had left the wallet and did not arrive comes back from `origin`. It counts no more
    against the limits of the day on which it was counted, unless that is None."""
    counts = () if counted_on is None else counted(wallet, -amount, counted_on)
    return _moved(id, cause, origin, account_of(wallet), amount, now, counts, (), AMOUNT)


def held(
    wallet: Wallet,
    amount: int,
    counted_on: datetime | None,
    *,
    released: bool = False,
    param: str = AMOUNT,
) -> Holding:
    """`amount` of the wallet is set aside, or let go again."""
    counts = () if counted_on is None else counted(wallet, amount, counted_on)
    conditions = () if released or counted_on is None else limits(wallet, counted_on, param)
    return Holding((Leg(account_of(wallet), amount), *counts), released, conditions, param)


def counted(wallet: Wallet, amount: int, at: datetime) -> tuple[Leg, ...]:
    """`amount` in the counts of the day and the month of `at`."""
    spending = chart.spending(wallet.currency)
    return (
        Leg(chart.spent(wallet.id, wallet.currency, _day(at)), amount),
        Leg(chart.spent(wallet.id, wallet.currency, _month(at)), amount),
        Leg(spending, -2 * amount),
    )


def limits(wallet: Wallet, at: datetime, param: str) -> tuple[Condition, ...]:
    found = []
    for most, period, when in (
        (wallet.limits.per_day, _day(at), "in a day (UTC)"),
        (wallet.limits.per_month, _month(at), "in a month (UTC)"),
    ):
        if most is not None:
            count = chart.spent(wallet.id, wallet.currency, period)
            refusal = limit_reached(wallet, when, most, param)
            found.append(Condition(count, most=most, param=param, refusal=refusal))
    return tuple(found)


def _moved(
    id: str,
    cause: Cause,
    debited: AccountRef,
    credited: AccountRef,
    amount: int,
    now: datetime,
    counts: tuple[Leg, ...],
    conditions: tuple[Condition, ...],
    param: str,
) -> LedgerTransaction:
    return LedgerTransaction(
        id=id,
        kind=cause.kind,
        source=cause.source,
        created=now,
        available=now,
        currency=debited.currency,
        legs=(Leg(debited, amount), Leg(credited, -amount), *counts),
        description=cause.description,
        conditions=conditions,
        param=param,
    )


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"
