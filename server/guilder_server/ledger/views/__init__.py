"""The ledger as the wire shows it to the merchant."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from guilder_server import wire
from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.account import AsOf, Entry, Standing, entry_id
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction, seen
from guilder_server.ledger.domain.checkpoint import Checkpoint, signed_text
from guilder_server.ledger.domain.posted import Bulk, Posted
from guilder_server.ledger.domain.sums import Sums

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


def view_standing(standing: Standing, tenant: Tenant) -> wire.LedgerAccount:
    account = standing.account
    return {
        "id": account.id,
        "object": "ledger_account",
        "available": standing.available,
        "balance": standing.balance,
        "ceiling": account.ceiling,
        "code": account.code,
        "created": unix(account.created),
        "currency": account.currency,
        "entries": standing.entries,
        "floor": account.floor,
        "held_credits": standing.held_credits,
        "held_debits": standing.held_debits,
        "livemode": tenant.livemode,
        "metadata": account.metadata,
        "name": account.name,
        "normal_side": account.normal_side,
        "status": account.status,
        "system": standing.system,
    }


def view_as_of(balance: AsOf, _tenant: Tenant) -> wire.LedgerBalance:
    return {
        "object": "ledger_balance",
        "account": balance.account.id,
        "balance": balance.balance,
        "currency": balance.account.currency,
        "effective_at": _maybe(balance.effective_at),
        "entries": balance.entries,
        "known_at": _maybe(balance.known_at),
    }


def view_sums(sums: Sums, _tenant: Tenant) -> wire.LedgerBalances:
    return {
        "object": "ledger_balances",
        "data": [
            {
                "accounts": group.accounts,
                "balance": group.balance,
                "code": group.code,
                "credits": group.credits,
                "currency": group.currency,
                "debits": group.debits,
            }
            for group in sums.groups
        ],
        "effective_at": _maybe(sums.selection.effective_at),
        "known_at": _maybe(sums.selection.known_at),
    }


def view_entry(entry: Entry, _tenant: Tenant) -> wire.LedgerEntry:
    account = entry.account
    debited = entry.amount > 0
    return {
        "id": entry_id(account.id, entry.version),
        "object": "ledger_entry",
        "account": account.id,
        "amount": abs(entry.amount),
        "balance": entry.balance if account.normal_side == "debit" else -entry.balance,
        "created": unix(entry.posted_at),
        "currency": account.currency,
        "direction": "debit" if debited else "credit",
        "effective_at": unix(entry.effective_at),
        "transaction": entry.transaction,
        "version": entry.version,
    }


def view_checkpoint(checkpoint: Checkpoint, tenant: Tenant) -> wire.LedgerCheckpoint:
    place = (tenant.account, tenant.livemode, checkpoint.position, checkpoint.head)
    return {
        "id": checkpoint.id,
        "object": "ledger_checkpoint",
        "created": unix(checkpoint.created),
        "head": checkpoint.head.hex(),
        "livemode": tenant.livemode,
        "position": checkpoint.position,
        "public_key": checkpoint.public_key.hex(),
        "signature": checkpoint.signature.hex(),
        "signed": signed_text(*place, checkpoint.created),
        "transactions": checkpoint.transactions,
    }


def view_transaction(posted: Posted, tenant: Tenant) -> wire.LedgerTransaction:
    return {
        "id": posted.id,
        "object": "ledger_transaction",
        "created": unix(posted.created),
        "description": posted.description,
        "effective_at": unix(posted.effective_at),
        "exchange": None if posted.exchange is None else _exchange(posted.exchange),
        "expires_at": _maybe(posted.expires_at),
        "livemode": tenant.livemode,
        "metadata": posted.metadata,
        "postings": [
            {
                "amount": one.amount,
                "credit": one.credit,
                "currency": one.currency,
                "debit": one.debit,
            }
            for one in posted.shown
        ],
        "reference": posted.reference,
        "reversed": posted.reversed,
        "reverses": posted.reverses,
        "source": posted.source,
        "status": posted.status,
        "type": posted.kind,
    }


def _exchange(exchange: Exchange) -> wire.LedgerExchange:
    residue = exchange.residue
    return {
        "bought": exchange.bought,
        "bought_amount": exchange.bought_amount,
        "rate": {"denominator": exchange.denominator, "numerator": exchange.numerator},
        "residue": {"denominator": residue.denominator, "numerator": residue.numerator},
        "rounding": exchange.rounding,
        "sold": exchange.sold,
        "sold_amount": exchange.sold_amount,
    }


def view_bulk(bulk: Bulk, _tenant: Tenant) -> wire.LedgerBulkResult:
    results: list[wire.LedgerBulkItem] = [
        {
            "error": None
            if one.transaction is not None
            else {"code": one.code, "message": one.message, "param": one.param},
            "transaction": one.transaction,
        }
        for one in bulk.results
    ]
    posted = sum(one.transaction is not None for one in bulk.results)
    return {
        "object": "ledger_bulk_result",
        "posted": posted,
        "refused": len(results) - posted,
        "results": results,
    }


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else unix(instant)
