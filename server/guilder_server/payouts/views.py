"""Payouts as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain.payout import Payout


def view_payout(payout: Payout, tenant: Tenant) -> wire.Payout:
    return {
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": unix(payout.arrival),
        "automatic": False,
        "balance_transaction": None,
        "created": unix(payout.created),
        "currency": payout.currency,
        "description": payout.description,
        "destination": payout.destination,
        "failure_balance_transaction": payout.kept_by,
        "failure_code": payout.failure_code,
        "failure_message": payout.failure_message,
        "livemode": tenant.livemode,
        "metadata": payout.metadata,
        "method": payout.method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": payout.statement_descriptor,
        "status": payout.status,
        "trace_id": None,
        "type": "bank_account",
        "wallet": payout.wallet_id,
    }
