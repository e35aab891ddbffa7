"""Paying an intent: from a wallet, with a card, or with both."""

from __future__ import annotations

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.steps import Done, Step
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain import intents
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import wallets
from guilder_server.payments.flows.authorizing import Authorizing, authorize
from guilder_server.payments.ports import Tools, Wish
from guilder_server.wallets import Wallet


async def pay(
    tools: Tools,
    wish: Wish,
    changes: Changes,
    stored: Intent | None,
    intent: Intent,
    method: PaymentMethod | None,
) -> Step:
    """The money of an intent, on the terms of the confirmation that is `wish`. `stored` is what
    the database has of it so far: None, while it is only now being made."""
    purse = await wallets.purse_of(tools, wish.tenant, intent)
    amount = 0 if purse is None else wallets.amount_from(intent, purse, alone=method is None)
    if purse is not None and method is not None:
        # Less may be there than there was a moment ago, when nobody said how much it is to be.
        changes.decides_again = intent.wallet_amount is None
    if purse is not None and amount == intent.amount:
        return _pay_from(tools, changes, stored, intent, purse.wallet)
    if method is None:
        raise _without_method(stored)
    share = None
    if purse is not None and amount:
        share = wallets.set_aside(tools, changes, intent, purse.wallet, amount)
        intent = replace(intent, wallet_hold_id=share.hold.id)
    return await authorize(tools, wish, changes, Authorizing(stored, intent, method, share))


def _pay_from(
    tools: Tools, changes: Changes, stored: Intent | None, intent: Intent, wallet: Wallet
) -> Done:
    charge = wallets.charge_wallet(tools, changes, intent, wallet)
    paid = replace(intents.succeed(intent, charge.id), wallet_charge_id=charge.id)
    after = changes.save(stored, paid)
    changes.record("payment_intent.succeeded", after)
    return Done(after, changes)


def _without_method(intent: Intent | None) -> Refused:
    return Refused(
        "payment_intent_unexpected_state",
        "There is no payment method that this PaymentIntent could be confirmed with. Send "
        "payment_method with the confirmation, or update the PaymentIntent with one first.",
        "payment_method",
        subject=intent,
    )
