"""Payments that wallets have a part in: what they bring into one, and what they take from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import display, granularity, minimum_charge
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, Refused
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import charges
from guilder_server.payments.domain.amounts import part
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows.posting import given_back_from
from guilder_server.payments.ports import Tools, Wish
from guilder_server.wallets import (
    Brought,
    Cause,
    Hold,
    Purse,
    TopUp,
    Wallet,
    refuse_closed,
    refuse_currency,
    refuse_unfit,
)

# What a request calls them, and what an intent does.
_FIELDS = {
    "top_up_wallet": "top_up_wallet_id",
    "wallet": "wallet_id",
    "wallet_amount": "wallet_amount",
}


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payment comes from a wallet, kept until the rest is there."""

    wallet: Wallet
    hold: Hold


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """What a charge brought into a wallet."""

    wallet: Wallet
    top_up: TopUp


async def with_wallets(tools: Tools, wish: Wish, intent: Intent) -> Intent:
    """`intent` with what the wish says about wallets. Raises for what they cannot do for it."""
    given = wish.given
    settings: dict[str, Any] = {
        field: given[name] or None for name, field in _FIELDS.items() if name in given
    }
    if "wallet" in given and not given["wallet"] and "wallet_amount" not in given:
        settings["wallet_amount"] = None
    after = replace(intent, **settings) if settings else intent
    if after.wallet_id is None and after.wallet_amount is not None:
        raise InvalidRequest(
            "parameter_missing", "Say which wallet the amount is to come from.", "wallet"
        )
    if after.top_up_wallet_id is None and after.wallet_id is None:
        return after
    _refuse_contradictions(after)
    if after.top_up_wallet_id is not None:
        purse = await _found(tools, wish.tenant, after.top_up_wallet_id, "top_up_wallet")
        refuse_closed(purse.wallet, "top_up_wallet")
        refuse_currency(purse.wallet, after.currency, "top_up_wallet")
    if after.wallet_id is not None:
        purse = await _found(tools, wish.tenant, after.wallet_id, "wallet")
        refuse_unfit(purse.wallet, "wallet")
        refuse_currency(purse.wallet, after.currency, "wallet")
    return after


def _refuse_contradictions(intent: Intent) -> None:
    if intent.top_up_wallet_id is not None and intent.wallet_id is not None:
        raise InvalidRequest(
            "parameters_exclusive",
            "A payment tops up a wallet or is paid from one; between two wallets, money is "
            "transferred.",
            "wallet",
        )
    if intent.captures_later:
        raise InvalidRequest(
            "parameter_invalid",
            "With a wallet the money is taken at once: leave capture_method=manual out. To set "
            "money of a wallet aside, hold it with POST /v1/wallets/{wallet}/holds.",
            "capture_method",
        )
    if intent.wallet_amount is not None:
        part(intent.wallet_amount, intent.currency, "wallet_amount")
    if intent.wallet_amount is not None and intent.wallet_amount > intent.amount:
        raise InvalidRequest(
            "amount_too_large",
            f"{display(intent.wallet_amount, intent.currency)} cannot come from the wallet: the "
            f"payment is {display(intent.amount, intent.currency)}.",
            "wallet_amount",
        )


async def purse_of(tools: Tools, tenant: Tenant, intent: Intent) -> Purse | None:
    """The wallet that the payment is to be paid from, if any."""
    if intent.wallet_id is None:
        return None
    purse = await _found(tools, tenant, intent.wallet_id, "wallet")
    refuse_unfit(purse.wallet, "wallet")
    return purse


def amount_from(intent: Intent, purse: Purse, *, alone: bool) -> int:
    """How much of the payment comes from the wallet: what was asked for; else all of it where
    there is nothing to pay the rest with; else what may leave it at once, as long as the rest is
    what a card takes."""
    whole, asked = intent.amount, intent.wallet_amount
    least = minimum_charge(intent.currency)
    if asked is not None:
        if alone and asked < whole:
            raise Refused(
                "payment_intent_unexpected_state",
                f"{display(whole - asked, intent.currency)} of this PaymentIntent do not come from "
                "the wallet. Send payment_method for the rest.",
                "payment_method",
            )
        if 0 < whole - asked < least:
            raise Refused(
                "amount_too_small",
                f"{display(whole - asked, intent.currency)} would be left for the payment method, "
                f"which takes {display(least, intent.currency)} at least.",
                "wallet_amount",
            )
        return asked
    at_once = purse.wallet.limits.per_transfer
    there = max(0, min(whole, purse.available, whole if at_once is None else at_once))
    if alone or there == whole:
        return whole
    most = max(0, min(there, whole - least))
    return most - most % granularity(intent.currency)


def set_aside(tools: Tools, changes: Changes, intent: Intent, wallet: Wallet, amount: int) -> Share:
    return Share(wallet, tools.wallets.set_aside(changes, wallet, amount, intent.id))


async def kept_share(tools: Tools, tenant: Tenant, intent: Intent) -> Share | None:
    """What a wallet keeps for a payment that a gateway is being asked for."""
    if intent.wallet_hold_id is None:
        return None
    hold = await tools.wallets.hold(tenant, intent.wallet_hold_id)
    assert hold is not None, f"{intent.id} names a hold that is not there"
    purse = await tools.wallets.find(tenant, hold.wallet_id)
    assert purse is not None, f"{hold.id} names a wallet that is not there"
    return Share(purse.wallet, hold)


def charge_share(tools: Tools, changes: Changes, intent: Intent, share: Share) -> Charge:
    """What was kept is taken."""
    charge = _wallet_charge(tools, intent, share.wallet, share.hold.amount_held)
    cause = Cause("payment", charge.id, charge.description)
    transaction = tools.wallets.take(changes, share.wallet, share.hold, cause)
    return _recorded(changes, replace(charge, reference=share.hold.id), transaction)


def charge_wallet(tools: Tools, changes: Changes, intent: Intent, wallet: Wallet) -> Charge:
    """The wallet pays all of it."""
    charge = _wallet_charge(tools, intent, wallet, intent.amount)
    cause = Cause("payment", charge.id, charge.description)
    return _recorded(changes, charge, tools.wallets.pay(changes, wallet, charge.amount, cause))


def _wallet_charge(tools: Tools, intent: Intent, wallet: Wallet, amount: int) -> Charge:
    now = tools.clock.now()
    return Charge(
        id=tools.ids.new("ch"),
        version=1,
        created=now,
        status="succeeded",
        amount=amount,
        currency=intent.currency,
        gateway=charges.WALLET,
        instrument=wallet.id,
        card={},
        amount_captured=amount,
        captured=True,
        payment_intent_id=intent.id,
        customer_id=intent.customer_id,
        available=now,
        description=intent.description,
        receipt_email=intent.receipt_email,
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
        transfer_group=intent.transfer_group,
        shipping=intent.shipping,
        metadata=intent.metadata,
    )


def _recorded(changes: Changes, charge: Charge, transaction_id: str) -> Charge:
    charge = changes.add(replace(charge, balance_transaction_id=transaction_id))
    changes.record("charge.succeeded", charge)
    return charge


async def top_up(tools: Tools, changes: Changes, intent: Intent, charge: Charge) -> Charge:
    """The charge once its money has gone on into the wallet that it is for."""
    if intent.top_up_wallet_id is None:
        return charge
    purse = await tools.wallets.find(changes.tenant, intent.top_up_wallet_id)
    assert purse is not None, f"{intent.id} tops up a wallet that is not there"
    assert charge.available is not None, f"{charge.id} was not posted"
    payment = Brought(intent.id, charge.id, charge.available)
    brought = tools.wallets.bring(changes, purse.wallet, charge.amount, payment)
    return replace(charge, top_up_id=brought.id)


async def topped_up(tools: Tools, tenant: Tenant, charge: Charge) -> ToppedUp | None:
    """What the charge brought into a wallet, if it did."""
    if charge.top_up_id is None:
        return None
    brought = await tools.wallets.top_up(tenant, charge.top_up_id)
    assert brought is not None, f"{charge.id} names a top-up that is not there"
    return ToppedUp(await wallet_of(tools, tenant, brought.wallet_id), brought)


def take_back(
    tools: Tools, changes: Changes, topped: ToppedUp | None, charge: Charge, amount: int
) -> ToppedUp | None:
    """`amount` of the charge is refunded: it leaves the wallet that it went into."""
    if topped is None:
        return None
    available = given_back_from(tools, charge)
    wallet, top_up = topped.wallet, topped.top_up
    kept = top_up.amount_reversed - charge.amount_refunded
    after = tools.wallets.take_back(changes, wallet, top_up, amount, available, kept)
    return ToppedUp(wallet, after)


def restore(
    tools: Tools, changes: Changes, topped: ToppedUp | None, charge: Charge, amount: int
) -> None:
    """A refund did not arrive: the wallet has the money again."""
    if topped is not None:
        available = given_back_from(tools, charge)
        tools.wallets.restore(changes, topped.wallet, topped.top_up, amount, available)


async def give_back(
    tools: Tools, changes: Changes, charge: Charge, refund_id: str, amount: int
) -> str:
    """What a wallet has paid comes back to it: the id of the ledger transaction."""
    wallet = await wallet_of(tools, changes.tenant, charge.instrument)
    refuse_closed(wallet, "charge")
    changes.rely(wallet)
    words = f"REFUND FOR CHARGE ({charge.description})" if charge.description else None
    cause = Cause("payment_refund", refund_id, words or "REFUND FOR CHARGE")
    available = given_back_from(tools, charge)
    return tools.wallets.give_back(changes, wallet, amount, cause, available)


async def wallet_of(tools: Tools, tenant: Tenant, id: str) -> Wallet:
    purse = await tools.wallets.find(tenant, id)
    assert purse is not None, f"the wallet {id} is not there"
    return purse.wallet


async def _found(tools: Tools, tenant: Tenant, id: str, param: str) -> Purse:
    purse = await tools.wallets.find(tenant, id)
    if purse is None:
        raise NoSuchReference("wallet", id, param)
    return purse
