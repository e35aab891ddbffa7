"""Where a payout's money is in the ledger: in the wallet, in transit, or gone from the gateway."""

from __future__ import annotations

from datetime import datetime

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.ledger import chart, movements
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.ports import Tools
from guilder_server.wallets import Cause, Wallet


def take(
    tools: Tools, changes: Changes, wallet: Wallet, amount: int, cause: Cause, now: datetime
) -> str:
    """The money of a payout leaves its wallet, as far as that has it and may give it: the id
    of the ledger transaction."""
    to = chart.in_transit(wallet.currency)
    return tools.wallets.withdraw(changes, wallet, amount, cause, to, now)


def pay(tools: Tools, changes: Changes, payout: Payout) -> None:
    """It has reached the bank."""
    id, now = tools.ids.new("lt"), tools.clock.now()
    words = payout.description
    changes.post(movements.payout(id, payout.id, payout.money, payout.gateway, now, words))


def give_back(
    tools: Tools, changes: Changes, payout: Payout, wallet: Wallet, *, paid: bool
) -> Payout:
    """It did not arrive, or, if `paid`, was sent back by the bank: the wallet has it again, or the
    merchant, where the wallet was closed."""
    now, words = tools.clock.now(), payout.description
    if paid:
        id = tools.ids.new("lt")
        returned = movements.payout_failure(id, payout.id, payout.money, payout.gateway, now, words)
        changes.post(returned)
    if wallet.status == "closed":
        id = tools.ids.new("txn")
        changes.rely(wallet)
        changes.post(movements.payout_kept(id, payout.id, payout.money, now, words))
        return replace(payout, kept_by=id)
    cause = Cause("wallet_withdrawal_failure", payout.id, words)
    origin = chart.in_transit(payout.currency)
    tools.wallets.put_back(changes, wallet, payout.amount, cause, origin, payout.counted_on)
    return payout
