"""The movements of payments and payouts, as transactions of the ledger."""

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


def payout(
    id: str, source: str, amount: Money, gateway: str, created: datetime, description: str | None
) -> LedgerTransaction:
    """What was in transit has reached the bank: the gateway holds that much less for us."""
    legs = _arrived(amount, gateway)
    return LedgerTransaction(
        id, "payout", source, created, created, amount.currency, legs, description
    )


def payout_failure(
    id: str, source: str, amount: Money, gateway: str, created: datetime, description: str | None
) -> LedgerTransaction:
    """The bank has sent it back: the gateway holds it for us again, and it is in transit."""
    legs = _arrived(Money(-amount.amount, amount.currency), gateway)
    return LedgerTransaction(
        id, "payout_failure", source, created, created, amount.currency, legs, description
    )


def payout_kept(
    id: str, source: str, amount: Money, created: datetime, description: str | None
) -> LedgerTransaction:
    """What could not be paid out is the merchant's, for want of a wallet that takes it back."""
    currency = amount.currency
    legs: tuple[Leg, ...] = (
        Leg(chart.in_transit(currency), amount.amount),
        Leg(chart.merchant(currency, created), -amount.amount),
    )
    return LedgerTransaction(
        id, "payout_failure", source, created, created, currency, legs, description
    )


def _arrived(amount: Money, gateway: str) -> tuple[Leg, ...]:
    currency = amount.currency
    return (
        Leg(chart.in_transit(currency), amount.amount),
        Leg(chart.gateway(currency, gateway), -amount.amount),
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
