"""What payments and payouts do with wallets: take money out of them, and bring it into them.

All of it is change sets for the commit in which the payment itself changes, so that a payment
and its wallet never tell two stories. Money to the merchant is available at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.postings import AccountRef
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger import chart
from guilder_server.wallets.domain import hold as holds
from guilder_server.wallets.domain import top_up as top_ups
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.wallet import Purse, Wallet, refuse_closed, refuse_too_much
from guilder_server.wallets.flows import posting
from guilder_server.wallets.flows.holds import counted_on
from guilder_server.wallets.flows.posting import Cause
from guilder_server.wallets.ports import WalletStore

_PARAM = "wallet"


@dataclass(frozen=True, slots=True)
class Brought:
    """By which payment money was brought, and from when on the merchant has it."""

    payment_intent_id: str
    charge_id: str
    available: datetime


class Wallets:
    """The wallets of each tenant, for payments and payouts."""

    def __init__(self, store: WalletStore, ids: Ids, clock: Clock) -> None:
        self._store, self._ids, self._clock = store, ids, clock

    async def find(self, tenant: Tenant, id: str) -> Purse | None:
        return await self._store.purse(tenant, id)

    async def hold(self, tenant: Tenant, id: str) -> Hold | None:
        return await self._store.hold(tenant, id)

    async def top_up(self, tenant: Tenant, id: str) -> TopUp | None:
        return await self._store.top_up(tenant, id)

    def pay(self, changes: Changes, wallet: Wallet, amount: int, cause: Cause) -> str:
        """`amount` goes to the merchant: the id of the ledger transaction. The commit refuses it
        where the wallet does not have it, or may not give it."""
        refuse_too_much(wallet, amount, _PARAM)
        changes.rely(wallet)
        now = self._clock.now()
        to, id = chart.merchant(wallet.currency, now), self._ids.new("txn")
        transaction = posting.paid_out(id, cause, wallet, to, amount, now, param=_PARAM)
        return changes.post(transaction).id

    def set_aside(
        self, changes: Changes, wallet: Wallet, amount: int, payment_intent_id: str
    ) -> Hold:
        """`amount` is kept for a payment whose rest is being asked for elsewhere."""
        refuse_too_much(wallet, amount, _PARAM)
        changes.rely(wallet)
        made = holds.of_wallet(self._ids.new("whl"), wallet, amount, self._clock.now())
        hold = replace(made, payment_intent_id=payment_intent_id)
        changes.hold(posting.held(wallet, amount, counted_on(hold), param=_PARAM))
        changes.record("wallet_hold.created", changes.add(hold))
        return hold

    def take(self, changes: Changes, wallet: Wallet, hold: Hold, cause: Cause) -> str:
        """What was kept for a payment goes to the merchant: the id of the ledger transaction. The
        rest has been taken by then, so this goes on whatever has become of the wallet."""
        now, on = self._clock.now(), counted_on(hold)
        to, id = chart.merchant(wallet.currency, now), self._ids.new("txn")
        changes.hold(posting.held(wallet, hold.amount_held, on, released=True))
        changes.post(posting.taken(id, cause, wallet, to, hold.amount_held, now, on))
        after = changes.change(hold, holds.capture(hold, hold.amount_held, final=True))
        changes.record("wallet_hold.captured", after)
        return id

    def let_go(self, changes: Changes, wallet: Wallet, hold: Hold) -> None:
        """The rest could not be had: what was kept is the wallet's again."""
        changes.hold(posting.held(wallet, hold.amount_held, counted_on(hold), released=True))
        after = changes.change(hold, holds.let_go(hold, "released"))
        changes.record("wallet_hold.released", after)

    def give_back(
        self, changes: Changes, wallet: Wallet, amount: int, cause: Cause, available: datetime
    ) -> str:
        """A payment out of the wallet is refunded: the id of the ledger transaction."""
        origin, id = chart.merchant(wallet.currency, available), self._ids.new("txn")
        now = self._clock.now()
        return changes.post(posting.brought(id, cause, wallet, origin, amount, now, available)).id

    def bring(self, changes: Changes, wallet: Wallet, amount: int, payment: Brought) -> TopUp:
        """A payment has brought `amount`. Of a wallet that has been closed meanwhile, the merchant
        keeps it."""
        top_up = TopUp(
            id=self._ids.new("wtu"),
            version=1,
            created=self._clock.now(),
            status="failed" if wallet.status == "closed" else "succeeded",
            wallet_id=wallet.id,
            amount=amount,
            amount_reversed=0,
            currency=wallet.currency,
            payment_intent_id=payment.payment_intent_id,
            charge_id=payment.charge_id,
        )
        # A wallet that is closed in this very moment is looked at again.
        changes.rely(wallet)
        if top_up.status == "succeeded":
            self._move(changes, wallet, top_up, "transfer", amount, payment.available)
        changes.record(f"wallet_top_up.{top_up.status}", changes.add(top_up))
        return top_up

    def take_back(
        self,
        changes: Changes,
        wallet: Wallet,
        top_up: TopUp,
        amount: int,
        available: datetime,
        kept: int,
    ) -> TopUp:
        """`amount` of it is refunded. The commit refuses that where the wallet's holder has spent
        it. Out of a wallet that is closed nothing comes; `kept` is what the merchant has of an
        earlier refund that did not arrive, and may refund again."""
        if top_up.status == "failed":
            return top_up
        changes.rely(wallet)
        if wallet.status == "closed":
            if amount > kept:
                refuse_closed(wallet, "charge")
            return top_up
        self._move(changes, wallet, top_up, "transfer_refund", -amount, available)
        after = changes.change(top_up, top_ups.reverse(top_up, amount))
        changes.record("wallet_top_up.reversed", after)
        return after

    def restore(
        self, changes: Changes, wallet: Wallet, top_up: TopUp, amount: int, available: datetime
    ) -> None:
        """A refund of it did not arrive: the money is the wallet's again, or, where that has been
        closed meanwhile, the merchant's."""
        changes.rely(wallet)
        if top_up.status == "failed" or wallet.status == "closed":
            return
        self._move(changes, wallet, top_up, "transfer", amount, available)
        after = changes.change(top_up, top_ups.restore(top_up, amount))
        changes.record("wallet_top_up.restored", after)

    def withdraw(
        self,
        changes: Changes,
        wallet: Wallet,
        amount: int,
        cause: Cause,
        to: AccountRef,
        now: datetime,
    ) -> str:
        """`amount` leaves the wallet for `to`, by its holder's wish: the id of the ledger
        transaction. The commit refuses it where the wallet does not have it, or may not give it."""
        refuse_too_much(wallet, amount, posting.AMOUNT)
        changes.rely(wallet)
        id = self._ids.new("lt")
        return changes.post(posting.paid_out(id, cause, wallet, to, amount, now)).id

    def put_back(
        self,
        changes: Changes,
        wallet: Wallet,
        amount: int,
        cause: Cause,
        origin: AccountRef,
        counted_on: datetime | None,
    ) -> str:
        """What was withdrawn did not arrive: the id of the ledger transaction that brings it from
        `origin`, whether the wallet is open or frozen. It counts no more against its limits,
        where it was counted when it was withdrawn."""
        # A wallet that is closed in this very moment is looked at again.
        changes.rely(wallet)
        id, now = self._ids.new("lt"), self._clock.now()
        transaction = posting.put_back(id, cause, wallet, origin, amount, now, counted_on)
        return changes.post(transaction).id

    def _move(
        self,
        changes: Changes,
        wallet: Wallet,
        top_up: TopUp,
        kind: str,
        amount: int,
        available: datetime,
    ) -> None:
        cause = Cause(kind, top_up.id)
        origin: AccountRef = chart.merchant(wallet.currency, available)
        id, now = self._ids.new("txn"), self._clock.now()
        changes.post(posting.brought(id, cause, wallet, origin, amount, now, available))
