"""The ledger as the wire shows it to the merchant."""

from __future__ import annotations

from typing import Any, cast

from guilder_server import wire
from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction, seen

_FEE_DESCRIPTION = "Payment processing fees"


class LedgerViews:
    """Whether money is available is a question of now, so these views have a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def posted(self, transaction: LedgerTransaction, tenant: Tenant) -> wire.BalanceTransaction:
        """A transaction that is only now being committed."""
        return self.transaction(seen(transaction), tenant)

    def transaction(
        self, transaction: BalanceTransaction, tenant: Tenant
    ) -> wire.BalanceTransaction:
        available_from = transaction.available.date()
        fees: list[wire.BalanceTransactionFee] = []
        if transaction.fee:
            fees.append(
                {
                    "amount": transaction.fee,
                    "application": None,
                    "currency": transaction.currency,
                    "description": _FEE_DESCRIPTION,
                    "type": "stripe_fee",
                }
            )
        return {
            "id": transaction.id,
            "object": "balance_transaction",
            "amount": transaction.amount,
            "available_on": unix(transaction.available),
            "balance_type": "payments",
            "created": unix(transaction.created),
            "currency": transaction.currency,
            "description": transaction.description,
            "exchange_rate": None,
            "fee": transaction.fee,
            "fee_details": fees,
            "net": transaction.net,
            "reporting_category": transaction.kind,
            "source": transaction.source,
            "status": "available" if available_from <= self._clock.now().date() else "pending",
            "type": cast(Any, transaction.kind),
        }


def view_balance(balance: Balance, tenant: Tenant) -> wire.Balance:
    return {
        "object": "balance",
        "available": _amounts(balance.available),
        "livemode": tenant.livemode,
        "pending": _amounts(balance.pending),
    }


def _amounts(amounts: dict[str, int]) -> list[wire.BalanceAmount]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in amounts.items()
    ]
