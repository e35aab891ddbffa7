"""The port: what Guilder asks of anything that can move money on a card."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.cards import RawCard
from guilder_server.gateways.domain.instruments import Instrument
from guilder_server.gateways.domain.outcomes import Answer, Declined, Outcome, Passage
from guilder_server.gateways.domain.requests import (
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    Kind,
    PayOutRequest,
    RefundRequest,
    Request,
    VoidRequest,
)
from guilder_server.kernel.money import Money
from guilder_server.kernel.tenant import Tenant


class ReplyLost(Exception):
    """Raised by an adapter when the gateway may have acted and its answer did not arrive."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do, declared by the gateway itself.

    in_process: it decides inside this process and holds no record of its own, so one commit is
        enough; anything else is called between two commits.
    deduplicates: the same attempt id sent twice is carried out once, so a lost request may be
        sent again.
    real_money: it may be used in live mode.
    payouts: it sends money to banks, so that it is a `PaysOut` as well.
    """

    in_process: bool
    deduplicates: bool
    real_money: bool = True
    partial_capture: bool = True
    multicapture: bool = False
    incremental_authorization: bool = False
    partial_refund: bool = True
    payouts: bool = False


class Gateway(Protocol):
    """A card processor.

    A refused card is an outcome, not an exception. The asynchronous methods may raise
    `ReplyLost` or answer `Unknown`; go through `calling.call`, which turns trouble with the
    network into outcomes and asks again where that is safe.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def authorize(self, request: AuthorizeRequest) -> Outcome: ...

    async def capture(self, request: CaptureRequest) -> Outcome: ...

    async def void(self, request: VoidRequest) -> Outcome: ...

    async def refund(self, request: RefundRequest) -> Outcome: ...

    async def increment(self, request: IncrementRequest) -> Outcome: ...

    async def query(self, request: Request) -> Answer:
        """What became of this attempt? Never moves money."""

    def tokenize(self, card: RawCard) -> Instrument:
        """The card in exchange for a token; its number is forgotten afterwards.
        Raises CardDeclined for a card that cannot exist."""

    def instrument(self, token: str) -> Instrument | None:
        """The instrument of a well-known test token (`pm_card_visa`, `tok_visa`), if any."""

    def attachable(self, instrument: str) -> Declined | None:
        """Why this card cannot be kept on file. None: it can, or only a payment will tell."""

    def fee(self, money: Money) -> Money:
        """What this gateway keeps of a captured amount."""

    def available_on(self, instrument: str, captured: datetime) -> datetime:
        """When money captured then may be paid out."""


class PaysOut(Protocol):
    """What a gateway can do besides whose `capabilities.payouts` says so."""

    async def pay_out(self, request: PayOutRequest) -> Outcome:
        """Send money to a bank, once for each attempt. `Approved`: it is on its way; `Declined`: it
        was not sent, for the `reason` that is the payout's failure code."""

    async def cancel_payout(self, request: PayOutRequest) -> Answer:
        """Stop what has not been sent yet. `Declined` with the reason `canceled`: it is stopped,
        and will not be sent even if the request itself comes only now. Else what `query` says."""

    async def find_payout(self, request: PayOutRequest) -> Passage:
        """Where the money of one that was approved is now: `Pending` on its way, `Arrived`, or
        `Declined` by the bank, be it after it had arrived. Never moves money."""


def as_paying_out(gateway: Gateway) -> PaysOut:
    assert gateway.capabilities.payouts, f"the gateway {gateway.name} does not pay out"
    return cast(PaysOut, gateway)


class Attempts(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Attempt | None: ...

    async def due(
        self, now: datetime, limit: int, kinds: Collection[Kind]
    ) -> Sequence[tuple[Tenant, str]]:
        """Open attempts of all tenants that nobody has in hand any more."""
