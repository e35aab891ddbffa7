"""Following a payout that the gateway has sent, until the bank has it, or has sent it back."""

from __future__ import annotations

from guilder_server.gateways import (
    Arrived,
    Declined,
    Passage,
    Pending,
    ask_again_at,
    attempt_of,
    follow,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.steps import Done
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain import payout as rules
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.flows import posting
from guilder_server.payouts.flows.finding import found, wallet_of
from guilder_server.payouts.flows.sending import reason_of
from guilder_server.payouts.ports import Tools


async def ask(tools: Tools, tenant: Tenant, payout_id: str) -> Passage:
    """Where the gateway says that the money is."""
    payout = await found(tools, tenant, payout_id)
    attempt = await attempt_of(tools, tenant, payout.attempt_id)
    return await follow(tools.gateway(payout.gateway), attempt, tools.timeout_ms)


async def settle(tools: Tools, tenant: Tenant, payout_id: str, passage: Passage) -> Done | None:
    """Write down what was said; None where there is nothing to be learned any more."""
    payout = await found(tools, tenant, payout_id)
    if payout.ask_after is None:
        return None
    changes = Changes(tenant)
    match passage:
        case Arrived() if payout.status == "in_transit":
            posting.pay(tools, changes, payout)
            after = rules.arrive(payout, passage.check_after)
            return Done(_written(changes, payout, after, "payout.paid"), changes)
        case Declined():
            wallet = await wallet_of(tools, tenant, payout)
            paid = payout.status == "paid"
            back = posting.give_back(tools, changes, payout, wallet, paid=paid)
            after = rules.fail(back, *reason_of(passage))
            return Done(_written(changes, payout, after, "payout.failed"), changes)
        case Arrived() | Pending():
            then = passage.check_after
        case _:
            then = ask_again_at(payout.arrival, tools.clock.now())
    return Done(changes.change(payout, rules.ask_later(payout, then)), changes)


def _written(changes: Changes, before: Payout, after: Payout, news: str) -> Payout:
    after = changes.change(before, after)
    changes.record("payout.updated", after, before)
    changes.record(news, after)
    return after
