"""What a merchant sees of the ledger: the balance, and the transactions that made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.ledger.domain import chart, movements


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One movement on the merchant's balance: `net` is `amount` less `fee`, in minor units."""

    id: str
    created: datetime
    available: datetime
    kind: str
    source: str
    currency: str
    fee: int
    net: int
    description: str | None
    version: int = 1

    @property
    def amount(self) -> int:
        return self.net + self.fee


def seen(transaction: LedgerTransaction) -> BalanceTransaction:
    """A ledger transaction as the merchant sees it."""
    assert transaction.currency is not None, "payments move one currency"
    return BalanceTransaction(
        transaction.id,
        transaction.created,
        transaction.available,
        transaction.kind,
        transaction.source,
        transaction.currency,
        movements.fee(transaction),
        movements.net(transaction),
        transaction.description,
    )


@dataclass(frozen=True, slots=True)
class Balance:
    """Amounts in minor units by currency: what may be paid out, and what may be later."""

    available: dict[str, int]
    pending: dict[str, int]


def balance(accounts: Iterable[tuple[str, str, int]], today: date, default: str) -> Balance:
    """The balance out of the merchant's accounts: (code, currency, debits minus credits).

    Every currency shows in both parts, and `default` always does.
    """
    available, pending = {default: 0}, {default: 0}
    for code, currency, debits in accounts:
        available.setdefault(currency, 0)
        pending.setdefault(currency, 0)
        side = available if chart.day_of(code) <= today else pending
        side[currency] -= debits
    return Balance(available, pending)
