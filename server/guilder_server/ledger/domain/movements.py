"""The movements of a payment, as transactions of the ledger."""

from __future__ import annotations

from datetime import datetime

from guilder_server.kernel.money import Money
from guilder_server.kernel.postings import LedgerTransaction, Leg
from guilder_server.ledger.domain import chart


def charge(
    id: str,
    source: str,
    gross: Money,
    fee: Money,
    gateway: str,
    created: datetime,
    available: datetime,
    description: str | None,
) -> LedgerTransaction:
    """A captured payment: the gateway holds `gross` for us, of which `fee` is its price."""
    currency = gross.currency
    legs = [
        Leg(chart.gateway(currency, gateway), gross.amount),
        Leg(chart.merchant(currency, available), -(gross - fee).amount),
        Leg(chart.fees(currency, gateway), -fee.amount),
    ]
    return LedgerTransaction(
        id, "charge", source, created, available, currency, _without_zeros(legs), description
    )


def refund(
    id: str,
    source: str,
    amount: Money,
    gateway: str,
    created: datetime,
    available: datetime,
    description: str | None,
) -> LedgerTransaction:
    """Money on its way back to a customer. The fee is not returned."""
    return _merchant_pays(id, "refund", source, amount, gateway, created, available, description)


def refund_failure(
    id: str,
    source: str,
    amount: Money,
    gateway: str,
    created: datetime,
    available: datetime,
    description: str | None,
) -> LedgerTransaction:
    """The reversal of a refund that did not arrive: the merchant has the money again."""
    back = Money(-amount.amount, amount.currency)
    return _merchant_pays(
        id, "refund_failure", source, back, gateway, created, available, description
    )


def _merchant_pays(
    id: str,
    kind: str,
    source: str,
    amount: Money,
    gateway: str,
    created: datetime,
    available: datetime,
    description: str | None,
) -> LedgerTransaction:
    currency = amount.currency
    legs: tuple[Leg, ...] = (
        Leg(chart.merchant(currency, available), amount.amount),
        Leg(chart.gateway(currency, gateway), -amount.amount),
    )
    return LedgerTransaction(id, kind, source, created, available, currency, legs, description)


def _without_zeros(legs: list[Leg]) -> tuple[Leg, ...]:
    return tuple(leg for leg in legs if leg.amount)


def net(transaction: LedgerTransaction) -> int:
    """What the transaction brought the merchant, in minor units."""
    return -_sum(transaction, chart.MERCHANT)


def fee(transaction: LedgerTransaction) -> int:
    """What of it was kept as fees."""
    return -_sum(transaction, chart.FEES)


def _sum(transaction: LedgerTransaction, prefix: str) -> int:
    return sum(leg.amount for leg in transaction.legs if leg.account.code.startswith(prefix))
