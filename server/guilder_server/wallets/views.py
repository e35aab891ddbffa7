"""Wallets as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger import Line, Statement
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.movement import Movement, movement_id, type_of
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Purse, Wallet


def view_wallet(purse: Purse, tenant: Tenant) -> wire.Wallet:
    wallet, limits = purse.wallet, purse.wallet.limits
    return {
        "id": wallet.id,
        "object": "wallet",
        "available": purse.available,
        "balance": purse.balance,
        "created": unix(wallet.created),
        "currency": wallet.currency,
        "customer": wallet.customer_id,
        "floor": wallet.floor,
        "held": purse.held,
        "ledger_account": wallet.ledger_account_id,
        "limits": {
            "per_day": limits.per_day,
            "per_month": limits.per_month,
            "per_transfer": limits.per_transfer,
        },
        "livemode": tenant.livemode,
        "metadata": wallet.metadata,
        "name": wallet.name,
        "status": wallet.status,
    }


def view_transfer(transfer: Transfer, tenant: Tenant) -> wire.WalletTransfer:
    return {
        "id": transfer.id,
        "object": "wallet_transfer",
        "amount": transfer.amount,
        "created": unix(transfer.created),
        "currency": transfer.currency,
        "description": transfer.description,
        "destination": transfer.destination_id,
        "ledger_transaction": transfer.transaction_id,
        "livemode": tenant.livemode,
        "metadata": transfer.metadata,
        "wallet": transfer.wallet_id,
    }


def view_hold(hold: Hold, tenant: Tenant) -> wire.WalletHold:
    return {
        "id": hold.id,
        "object": "wallet_hold",
        "amount": hold.amount,
        "amount_captured": hold.amount_captured,
        "amount_held": hold.amount_held,
        "created": unix(hold.created),
        "currency": hold.currency,
        "description": hold.description,
        "destination": hold.destination_id,
        "expires_at": None if hold.expires_at is None else unix(hold.expires_at),
        "livemode": tenant.livemode,
        "metadata": hold.metadata,
        "payment_intent": hold.payment_intent_id,
        "status": hold.status,
        "wallet": hold.wallet_id,
    }


def view_top_up(top_up: TopUp, tenant: Tenant) -> wire.WalletTopUp:
    return {
        "id": top_up.id,
        "object": "wallet_top_up",
        "amount": top_up.amount,
        "amount_reversed": top_up.amount_reversed,
        "charge": top_up.charge_id,
        "created": unix(top_up.created),
        "currency": top_up.currency,
        "livemode": tenant.livemode,
        "payment_intent": top_up.payment_intent_id,
        "status": top_up.status,
        "wallet": top_up.wallet_id,
    }


def view_statement(wallet: Wallet, statement: Statement) -> wire.WalletStatement:
    return {
        "object": "wallet_statement",
        "closing_balance": statement.closing,
        "currency": wallet.currency,
        "customer": wallet.customer_id,
        "interval_end": unix(statement.period.end),
        "interval_start": unix(statement.period.start),
        "money_in": statement.credits,
        "money_out": statement.debits,
        "name": wallet.name,
        "opening_balance": statement.opening,
        "transactions": statement.entries,
        "wallet": wallet.id,
        "data": [],
    }


def view_line(wallet: Wallet, line: Line) -> wire.WalletStatementLine:
    return {
        "id": movement_id(wallet.id, line.version),
        "amount": -line.amount,
        "balance": line.balance,
        "created": unix(line.posted_at),
        "description": line.description,
        "ledger_transaction": line.transaction,
        "type": type_of(line.kind),
    }


def view_movement(movement: Movement, tenant: Tenant) -> wire.WalletTransaction:
    return {
        "id": movement.id,
        "object": "wallet_transaction",
        "amount": movement.amount,
        "balance": movement.balance,
        "created": unix(movement.created),
        "currency": movement.currency,
        "description": movement.description,
        "ledger_transaction": movement.transaction_id,
        "livemode": tenant.livemode,
        "source": movement.source,
        "type": movement.type,
        "wallet": movement.wallet_id,
    }
