"""The adapter: Guilder's port on one side, the other gateway's own HTTP on the other.

It knows nothing of Guilder beyond the door of `gateways` and the kernel, as an adapter of a
real gateway would.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Arrived,
    AuthorizeRequest,
    Capabilities,
    CaptureRequest,
    Checks,
    Declined,
    IncrementRequest,
    Instrument,
    NotFound,
    Outcome,
    Passage,
    PayOutRequest,
    RawCard,
    RefundRequest,
    ReplyLost,
    Request,
    Unknown,
    VoidRequest,
)
from guilder_server.gateways.domain import cards
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.money import Money

# Its word for a card, by number; every other number is good.
_WORDS = {
    "4000000000000002": "refused",
    "4000000000009995": "poor",
    "4000002760003184": "challenged",
}
_TEST_TOKENS = {
    "pm_card_visa": "4242424242424242",
    "tok_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "tok_mastercard": "5555555555554444",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002760003184",
}


class HttpGateway:
    name = "http"
    capabilities = Capabilities(in_process=False, deduplicates=True, payouts=True)

    def __init__(
        self,
        url: str,
        fingerprint_key: bytes = b"a key for tests only",
        clock: Clock | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(
            base_url=url, timeout=timeout_s, limits=limits, verify=False
        )
        self._key = fingerprint_key
        self._clock = clock or SystemClock()

    async def close(self) -> None:
        await self._client.aclose()

    async def authorize(self, request: AuthorizeRequest) -> Outcome:
        return await self._send(
            request,
            capture=request.capture,
            off_session=request.off_session,
            authentication=request.authentication,
        )

    async def capture(self, request: CaptureRequest) -> Outcome:
        return await self._send(request, reference=request.reference)

    async def void(self, request: VoidRequest) -> Outcome:
        return await self._send(request, reference=request.reference)

    async def refund(self, request: RefundRequest) -> Outcome:
        return await self._send(request, reference=request.reference)

    async def increment(self, request: IncrementRequest) -> Outcome:
        message = "This gateway does not raise holds."
        return Declined("incremental_authorization_unsupported", message, type="invalid")

    async def pay_out(self, request: PayOutRequest) -> Outcome:
        return await self._send(request, destination=request.destination)

    async def cancel_payout(self, request: PayOutRequest) -> Answer:
        """It sends at once, so there is nothing to stop."""
        return await self.query(request)

    async def find_payout(self, request: PayOutRequest) -> Passage:
        reply = await self._reply("GET", f"/attempts/{request.attempt_id}")
        outcome = _outcome(reply or {})
        return Arrived() if isinstance(outcome, Approved) else Unknown("it was not sent")

    async def query(self, request: Request) -> Answer:
        reply = await self._reply("GET", f"/attempts/{request.attempt_id}")
        return NotFound() if reply is None else _outcome(reply)

    def tokenize(self, card: RawCard) -> Instrument:
        cards.refuse_malformed(card, self._clock.now())
        number = card.digits()
        return Instrument(
            token=_WORDS.get(number, "good"),
            brand=cards.brand(number),
            last4=number[-4:],
            exp_month=card.exp_month,
            exp_year=card.year(),
            fingerprint=cards.fingerprint(self._key, number),
            networks=(cards.brand(number),),
            checks=Checks(cvc_check="unchecked" if card.cvc else None),
        )

    def instrument(self, token: str) -> Instrument | None:
        number = _TEST_TOKENS.get(token)
        if number is None:
            return None
        now = self._clock.now()
        return self.tokenize(RawCard(number, now.month, now.year + 1, "123"))

    def attachable(self, instrument: str) -> Declined | None:
        """It knows no more of a card than a payment with it tells."""
        return None

    def fee(self, money: Money) -> Money:
        """One per cent, rounded down."""
        return Money(money.amount // 100, money.currency)

    def available_on(self, instrument: str, captured: datetime) -> datetime:
        return captured + timedelta(days=1)

    async def _send(self, request: Request, **particulars: Any) -> Outcome:
        if not isinstance(request, PayOutRequest):
            particulars["instrument"] = request.instrument
        body = {
            "id": request.attempt_id,
            "amount": request.money.amount,
            "currency": request.money.currency,
            **particulars,
        }
        reply = await self._reply("POST", f"/{request.kind}", json=body)
        if reply is None:
            raise ReplyLost("the gateway has no such operation")
        return _outcome(reply)

    async def _reply(self, method: str, path: str, **body: Any) -> dict[str, Any] | None:
        try:
            response = await self._client.request(method, path, **body)
            if response.status_code == 404:
                return None
            reply: dict[str, Any] = response.raise_for_status().json()
        except httpx.HTTPError as trouble:
            raise ReplyLost(type(trouble).__name__) from trouble
        return reply


def _outcome(reply: dict[str, Any]) -> Outcome:
    match reply["outcome"]:
        case "approved":
            return Approved(reply["reference"], captured=reply.get("captured", False))
        case "action_required":
            return ActionRequired("authenticate", reply["reference"])
        case "declined":
            return Declined(
                reply["code"],
                reply["message"],
                decline_code=reply["decline_code"],
                reason=reply["decline_code"],
            )
    raise ValueError(f"an outcome this adapter does not know: {reply['outcome']}")
