"""Where a captured payment becomes money in the ledger, and money given back leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.money import Money
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.ledger import movements
from guilder_server.payments.domain import charges
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.ports import Tools


def post_charge(tools: Tools, changes: Changes, charge: Charge, amount: int, final: bool) -> Charge:
    """Take `amount` of what `charge` holds: the charge after it, its money among `changes`."""
    gateway = tools.gateway(charge.gateway)
    now = tools.clock.now()
    gross = Money(amount, charge.currency)
    available = gateway.available_on(charge.instrument, now)
    transaction = changes.post(
        movements.charge(
            tools.ids.new("txn"),
            charge.id,
            gross,
            gateway.fee(gross),
            charge.gateway,
            now,
            available,
            charge.description,
        )
    )
    dated = replace(charge, available=available)
    return charges.capture(dated, amount, final=final, transaction_id=transaction.id)


def post_refund(tools: Tools, changes: Changes, charge: Charge, refund: Refund) -> str:
    """The refund's money leaves the merchant: the id of its ledger transaction."""
    return _post_back(tools, changes, charge, refund, movements.refund, "REFUND FOR CHARGE")


def post_refund_failure(tools: Tools, changes: Changes, charge: Charge, refund: Refund) -> str:
    """The money of a refund that did not arrive is the merchant's again."""
    return _post_back(tools, changes, charge, refund, movements.refund_failure, "REFUND FAILURE")


def given_back_from(tools: Tools, charge: Charge) -> datetime:
    """From when on the merchant would have had the money that is given back: what is not
    available yet is given back out of what is not available yet."""
    now = tools.clock.now()
    return max(now, charge.available or now)


def _post_back(
    tools: Tools,
    changes: Changes,
    charge: Charge,
    refund: Refund,
    movement: Callable[..., LedgerTransaction],
    words: str,
) -> str:
    now = tools.clock.now()
    transaction = movement(
        tools.ids.new("txn"),
        refund.id,
        refund.money,
        charge.gateway,
        now,
        given_back_from(tools, charge),
        f"{words} ({charge.description})" if charge.description else words,
    )
    return changes.post(transaction).id
