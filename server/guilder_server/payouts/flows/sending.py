"""Sending a payout.

The money leaves the wallet before the gateway is asked: in one commit the wallet is debited and the
payout is there, and only then does it leave. What the gateway did not send comes back by a
transaction of its own, never by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from guilder_server.gateways import (
    Answer,
    Approved,
    Asking,
    Attempt,
    Declined,
    PayOutRequest,
    ask_for,
)
from guilder_server.kernel import currencies
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain import payout as rules
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.flows import posting
from guilder_server.payouts.flows.finding import found, wallet_of
from guilder_server.payouts.ports import Tools, Wish
from guilder_server.wallets import Cause, Wallet, refuse_currency, refuse_unfit

CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Sending(Asking[Tools]):
    """A payout whose money has left `wallet`. `stored` is what the database has of it so far: None,
    while it is only now being made."""

    stored: Payout | None
    payout: Payout
    wallet: Wallet

    @property
    def subject(self) -> Payout:
        return self.payout

    def wait(self, changes: Changes, attempt: Attempt) -> Payout:
        return self._announced(changes)

    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        if self.payout.status != "pending":
            # Somebody had the answer first, while this was read.
            return Done(self.payout, Changes(changes.tenant))
        match answer:
            case Approved():
                arrival = answer.arrives or tools.clock.now()
                after = rules.send(self.payout, answer.reference, arrival)
                return Done(self._write(changes, after), changes)
            case Declined():
                return Done(self._end(tools, changes, answer), changes)
            case _:
                return Done(self._announced(changes), changes)

    @classmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Sending:
        payout = await found(tools, tenant, attempt.subject_id)
        return cls(payout, payout, await wallet_of(tools, tenant, payout))

    def _announced(self, changes: Changes) -> Payout:
        if self.stored is None:
            changes.record("payout.created", changes.add(self.payout))
        return self.payout

    def _write(self, changes: Changes, after: Payout) -> Payout:
        if self.stored is None:
            changes.record("payout.created", changes.add(after))
            return after
        after = changes.change(self.stored, after)
        changes.record("payout.updated", after, self.stored)
        return after

    def _end(self, tools: Tools, changes: Changes, answer: Declined) -> Payout:
        """It was not sent."""
        if self.stored is None:
            changes.record("payout.created", self.payout)
        back = posting.give_back(tools, changes, self.payout, self.wallet, paid=False)
        canceled = answer.reason == CANCELED
        after = rules.cancel(back) if canceled else rules.fail(back, *reason_of(answer))
        after = changes.save(self.stored, after)
        changes.record("payout.updated", after, self.payout)
        changes.record("payout.canceled" if canceled else "payout.failed", after)
        return after


def reason_of(answer: Declined) -> tuple[str, str]:
    """The failure code, in the words of the field, and its message."""
    return answer.reason or "could_not_process", answer.message


async def create_payout(tools: Tools, wish: Wish) -> Step:
    given, now = wish.given, tools.clock.now()
    currency = currencies.named(given["currency"])
    wallet = await _wallet(tools, wish)
    refuse_unfit(wallet, "wallet")
    refuse_currency(wallet, currency, "currency")
    rules.refuse_uneven(given["amount"], currency)
    gateway = tools.gateway_for(wish.tenant)
    changes, id = Changes(wish.tenant), tools.ids.new("po")
    amount, description = given["amount"], given.get("description")
    payout = Payout(
        id=id,
        version=1,
        created=now,
        status="pending",
        amount=amount,
        currency=currency,
        wallet_id=wallet.id,
        counted=wallet.limits.any,
        gateway=gateway.name,
        method=given.get("method", "standard"),
        attempt_id=tools.ids.new("att"),
        transaction_id=posting.take(
            tools, changes, wallet, amount, Cause("wallet_withdrawal", id, description), now
        ),
        arrival=now,
        destination=given.get("destination"),
        statement_descriptor=given.get("statement_descriptor"),
        description=description,
        metadata=merge({}, given.get("metadata")),
    )
    request = PayOutRequest(
        attempt_id=payout.attempt_id,
        made_at=now,
        money=payout.money,
        destination=payout.destination,
        method=payout.method,
        statement_descriptor=payout.statement_descriptor,
    )
    sending = Sending(None, payout, wallet)
    return await ask_for(tools, changes, sending, request, gateway, wish.recovery)


async def _wallet(tools: Tools, wish: Wish) -> Wallet:
    id = wish.given.get("wallet")
    if id is None:
        raise InvalidRequest(
            "parameter_missing",
            "Say which wallet is to be paid out: the merchant's own balance cannot be paid out "
            "in this version.",
            "wallet",
        )
    purse = await tools.wallets.find(wish.tenant, id)
    if purse is None:
        raise NoSuchReference("wallet", id, "wallet")
    return purse.wallet
