"""The built-in gateway: it plays the issuer of every test card and moves no real money.

It keeps no record. What it answers follows from the request alone, and references from the
attempt id; asked twice about one attempt it says the same, in any process, before or after a
crash. That makes it a gateway that deduplicates, and it also means that `query` answers for an
attempt which was never sent as if it had been: for a gateway whose money is not real, sending
and asking are one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256

from guilder_server.gateways.domain import cards
from guilder_server.gateways.domain.cards import RawCard
from guilder_server.gateways.domain.fees import STANDARD, FeeSchedule
from guilder_server.gateways.domain.instruments import Instrument
from guilder_server.gateways.domain.outcomes import (
    ActionRequired,
    Approved,
    Checks,
    Declined,
    Outcome,
    Passage,
    Pending,
    Risk,
    RiskLevel,
    ThreeDSecure,
    Unknown,
)
from guilder_server.gateways.domain.requests import (
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    PayOutRequest,
    RefundRequest,
    Request,
    VoidRequest,
)
from guilder_server.gateways.infra import sandbox_behaviours as behaviours
from guilder_server.gateways.infra.sandbox_behaviours import BEHAVIOURS, Behaviour
from guilder_server.gateways.infra.sandbox_fixtures import CARDS, TOKENS
from guilder_server.gateways.infra.sandbox_payouts import SandboxBank
from guilder_server.gateways.ports import Capabilities
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import CardDeclined
from guilder_server.kernel.money import Money

NOT_A_TEST_CARD = (
    "Your card was declined: in test mode only test cards can be charged. They are listed at "
    "https://docs.stripe.com/testing."
)
# Scores below 65 are normal and from 75 on too risky, as https://docs.stripe.com/radar/risk-evaluation
_LOWEST_SCORE: dict[RiskLevel, tuple[int, int]] = {
    "normal": (0, 65),
    "elevated": (65, 10),
    "highest": (75, 25),
}


@dataclass(frozen=True, slots=True)
class Delays:
    """How long the sandbox takes where a card says that it takes long."""

    slow_s: float = 2.0
    settles_after: timedelta = timedelta(seconds=5)
    available_after: timedelta = timedelta(days=2)


class Sandbox:
    """`authentication_url` is the page where a customer plays 3D Secure; the reference of the
    authentication is appended to it."""

    name = "sandbox"
    capabilities = Capabilities(
        in_process=True,
        deduplicates=True,
        real_money=False,
        partial_capture=True,
        multicapture=True,
        incremental_authorization=True,
        partial_refund=True,
        payouts=True,
    )

    def __init__(
        self,
        clock: Clock,
        fingerprint_key: bytes,
        *,
        authentication_url: str | None = None,
        fees: FeeSchedule = STANDARD,
        delays: Delays | None = None,
    ) -> None:
        self._clock = clock
        self._key = fingerprint_key
        self._authentication_url = authentication_url
        self._fees = fees
        self._delays = delays or Delays()
        self._bank = SandboxBank()
        self._fingerprints: dict[str, str] = {}

    async def authorize(self, request: AuthorizeRequest) -> Outcome:
        if BEHAVIOURS[request.instrument].timing == "slow":
            await asyncio.sleep(self._delays.slow_s)
        return self._authorized(request)

    async def capture(self, request: CaptureRequest) -> Outcome:
        return Approved(reference=_reference(request.attempt_id), captured=True)

    async def void(self, request: VoidRequest) -> Outcome:
        return Approved(reference=_reference(request.attempt_id))

    async def refund(self, request: RefundRequest) -> Outcome:
        refunding = BEHAVIOURS[request.instrument].refunding
        reference = _reference(request.attempt_id)
        settled = self._settled(request)
        if refunding == "pending" and not settled:
            return Pending(reference, self._settles(request), shown="pending")
        if refunding == "fails_later":
            if not settled:
                return Pending(reference, self._settles(request), shown="succeeded")
            return replace(behaviours.REFUND_FAILED, reference=reference)
        return Approved(reference)

    async def increment(self, request: IncrementRequest) -> Outcome:
        if not BEHAVIOURS[request.instrument].increments:
            return replace(behaviours.GENERIC, reference=_reference(request.attempt_id))
        return Approved(reference=_reference(request.attempt_id))

    async def pay_out(self, request: PayOutRequest) -> Outcome:
        return self._bank.sent(request, self._clock.now())

    async def cancel_payout(self, request: PayOutRequest) -> Outcome:
        return self._bank.stopped(request, self._clock.now())

    async def find_payout(self, request: PayOutRequest) -> Passage:
        return self._bank.found(request, self._clock.now())

    async def query(self, request: Request) -> Outcome:
        match request:
            case AuthorizeRequest():
                return self._authorized(request)
            case CaptureRequest():
                return await self.capture(request)
            case VoidRequest():
                return await self.void(request)
            case RefundRequest():
                return await self.refund(request)
            case IncrementRequest():
                return await self.increment(request)
            case PayOutRequest():
                return await self.pay_out(request)

    def tokenize(self, card: RawCard) -> Instrument:
        now = self._clock.now()
        cards.refuse_malformed(card, now)
        known = CARDS.get(card.digits())
        if known is None:
            raise CardDeclined(
                "card_declined", NOT_A_TEST_CARD, "test_mode_live_card", param="number"
            )
        instrument = self._instrument(card.digits(), card.exp_month, card.year())
        if card.cvc is not None:
            return instrument
        behaviour = BEHAVIOURS[instrument.token].without_cvc or instrument.token
        return replace(instrument, token=behaviour, checks=Checks())

    def instrument(self, token: str) -> Instrument | None:
        """The expiry is always a year away, so that no test suite stops working one day."""
        stem = token.removeprefix("pm_card_").removeprefix("tok_")
        number = TOKENS.get(stem) if stem != token else None
        if number is None:
            return None
        now = self._clock.now()
        return self._instrument(number, now.month, now.year + 1)

    def attachable(self, instrument: str) -> Declined | None:
        behaviour = BEHAVIOURS[instrument]
        return None if behaviour.saves else behaviour.decline

    def fee(self, money: Money) -> Money:
        return self._fees.of(money)

    def available_on(self, instrument: str, captured: datetime) -> datetime:
        """At midnight UTC of the day, as everything that is settled that day is."""
        if BEHAVIOURS[instrument].available_at_once:
            return captured
        day = (captured + self._delays.available_after).date()
        return datetime.combine(day, time.min, UTC)

    def _instrument(self, number: str, exp_month: int, exp_year: int) -> Instrument:
        card = CARDS[number]
        if (fingerprint := self._fingerprints.get(number)) is None:
            fingerprint = self._fingerprints[number] = cards.fingerprint(self._key, number)
        return Instrument(
            token=card.behaviour,
            brand=card.brand,
            last4=number[-4:],
            exp_month=exp_month,
            exp_year=exp_year,
            fingerprint=fingerprint,
            funding=card.funding,
            country=card.country,
            networks=card.networks or (card.brand,),
            checks=Checks(cvc_check="unchecked"),
            three_d_secure_supported=BEHAVIOURS[card.behaviour].authentication != "not_supported",
        )

    def _authorized(self, request: AuthorizeRequest) -> Outcome:
        behaviour = BEHAVIOURS[request.instrument]
        if behaviour.timing == "unknown" and not self._settled(request):
            return Unknown("the sandbox lost its reply, as this card asks it to")
        if behaviour.timing == "pending" and not self._settled(request):
            return Pending(_reference(request.attempt_id), self._settles(request))
        traits = sha256(request.attempt_id.encode()).digest()
        risk = _risk(behaviour.risk, traits)
        answer = self._authenticated(request, behaviour)
        if isinstance(answer, ActionRequired):
            return answer
        refused = answer if isinstance(answer, Declined) else behaviour.decline
        checks = _checked(behaviour, request.checks)
        reference = _reference(request.attempt_id)
        proof = answer if isinstance(answer, ThreeDSecure) else None
        if refused is not None:
            return replace(
                refused,
                reference=reference,
                risk=risk,
                checks=checks,
                three_d_secure=proof or refused.three_d_secure,
            )
        return Approved(
            reference=reference,
            captured=request.capture,
            authorization_code=f"{int.from_bytes(traits[:4], 'big') % 1_000_000:06}",
            network_transaction_id=f"{int.from_bytes(traits[4:12], 'big') % 10**15:015}",
            checks=checks,
            risk=risk,
            three_d_secure=proof,
            later=behaviour.later,
        )

    def _authenticated(
        self, request: AuthorizeRequest, behaviour: Behaviour
    ) -> ActionRequired | Declined | ThreeDSecure | None:
        """What 3D Secure makes of this payment; None where it plays no part."""
        asked = request.three_d_secure != "automatic"
        match behaviour.authentication:
            case "not_supported":
                return ThreeDSecure("not_supported") if asked else None
            case "not_enrolled":
                return ThreeDSecure("attempt_acknowledged") if asked else None
            case "if_asked":
                needed = asked
            case "unless_off_session":
                needed = not request.off_session
            case "unless_set_up":
                needed = not (request.off_session and request.set_up)
            case "always":
                needed = True
        if not needed:
            return None
        if behaviour.authentication_fails:
            return replace(behaviours.GENERIC, three_d_secure=ThreeDSecure("processing_error"))
        if request.authentication == "failed":
            return replace(behaviours.AUTHENTICATION_FAILED, three_d_secure=ThreeDSecure("failed"))
        if request.authentication == "succeeded":
            return ThreeDSecure(
                "authenticated",
                authentication_flow="challenge",
                electronic_commerce_indicator="05",
            )
        if request.off_session:
            return behaviours.AUTHENTICATION_REQUIRED
        reference = _reference(request.attempt_id)
        page = self._authentication_url
        return ActionRequired("authenticate", reference, page and f"{page}/{reference}")

    def _settles(self, request: Request) -> datetime:
        return request.made_at + self._delays.settles_after

    def _settled(self, request: Request) -> bool:
        return self._clock.now() >= self._settles(request)


def _reference(attempt_id: str) -> str:
    return "sbx_" + attempt_id.removeprefix("att_")


def _risk(level: RiskLevel, traits: bytes) -> Risk:
    lowest, span = _LOWEST_SCORE[level]
    return Risk(level, lowest + traits[12] % span)


def _checked(behaviour: Behaviour, given: Checks) -> Checks:
    """Only what was given can be checked."""
    return Checks(
        given.cvc_check and behaviour.cvc,
        given.address_line1_check and behaviour.address_line1,
        given.address_postal_code_check and behaviour.postal_code,
    )
