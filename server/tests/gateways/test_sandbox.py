"""The sandbox's answers: a row for each card and each token that people know."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from guilder_server.gateways import (
    ActionRequired,
    Approved,
    Checks,
    Declined,
    Later,
    Outcome,
    Pending,
    RawCard,
    ThreeDSecure,
    Unknown,
)
from guilder_server.gateways.domain import cards
from guilder_server.gateways.infra.sandbox import Delays, Sandbox
from guilder_server.gateways.infra.sandbox_behaviours import BEHAVIOURS
from guilder_server.gateways.infra.sandbox_fixtures import CARDS, TOKENS
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import CardDeclined
from tests.gateways.asking import NOW, authorize, capture, increment, refund, void

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    return Sandbox(clock, b"key", authentication_url="https://guilder.test/3ds")


async def paid(sandbox: Sandbox, token: str, **wishes: Any) -> Outcome:
    instrument = sandbox.instrument(token)
    assert instrument is not None
    return await sandbox.authorize(
        authorize(instrument.token, **{"checks": instrument.checks, **wishes})
    )


def raw(card: str, cvc: str | None = "123") -> RawCard:
    return RawCard(card, 12, 2034, cvc)


@pytest.mark.parametrize("card", CARDS)
def test_every_card_is_a_valid_number_of_its_brand_and_has_a_behaviour(card: str) -> None:
    assert cards.luhn(card)
    assert cards.brand(card) == CARDS[card].brand
    assert CARDS[card].behaviour in BEHAVIOURS


def test_every_token_stands_for_a_card_and_every_behaviour_has_one() -> None:
    assert set(TOKENS.values()) <= set(CARDS)
    assert {card.behaviour for card in CARDS.values()} == set(BEHAVIOURS)
    for behaviour in BEHAVIOURS.values():
        assert behaviour.without_cvc is None or behaviour.without_cvc in BEHAVIOURS


@pytest.mark.parametrize(
    ("token", "brand", "last4", "funding", "country"),
    [
        ("pm_card_visa", "visa", "4242", "credit", "US"),
        ("pm_card_visa_debit", "visa", "5556", "debit", "US"),
        ("pm_card_mastercard", "mastercard", "4444", "credit", "US"),
        ("pm_card_mastercard_debit", "mastercard", "8210", "debit", "US"),
        ("pm_card_mastercard_prepaid", "mastercard", "5100", "prepaid", "US"),
        ("pm_card_amex", "amex", "0005", "credit", "US"),
        ("pm_card_discover", "discover", "1117", "credit", "US"),
        ("pm_card_diners", "diners", "0004", "credit", "US"),
        ("pm_card_jcb", "jcb", "0505", "credit", "JP"),
        ("pm_card_unionpay", "unionpay", "0005", "credit", "CN"),
        ("pm_card_us", "visa", "4242", "credit", "US"),
        ("pm_card_br", "visa", "0002", "credit", "BR"),
        ("pm_card_de", "visa", "0016", "credit", "DE"),
        ("pm_card_gb", "visa", "0000", "credit", "GB"),
        ("pm_card_gb_debit", "visa", "0005", "debit", "GB"),
        ("tok_visa", "visa", "4242", "credit", "US"),
        ("tok_jp", "visa", "0003", "credit", "JP"),
    ],
)
async def test_a_good_card_is_charged(
    sandbox: Sandbox, token: str, brand: str, last4: str, funding: str, country: str
) -> None:
    card = sandbox.instrument(token)
    assert card is not None
    assert (card.brand, card.last4, card.funding, card.country) == (brand, last4, funding, country)
    assert (card.exp_month, card.exp_year) == (11, 2027)
    outcome = await paid(sandbox, token)
    assert isinstance(outcome, Approved)
    assert outcome.captured
    assert outcome.risk.level == "normal"


def test_the_wire_has_its_own_name_for_some_brands(sandbox: Sandbox) -> None:
    shown = [sandbox.instrument(f"pm_card_{brand}") for brand in ("amex", "diners", "unionpay")]
    assert [card and card.display_brand for card in shown] == [
        "american_express",
        "diners_club",
        "union_pay",
    ]


def test_a_co_branded_card_offers_both_networks(sandbox: Sandbox) -> None:
    card = sandbox.instrument("pm_card_visa_cartesBancaires")
    assert card is not None
    assert card.networks == ("cartes_bancaires", "visa")


@pytest.mark.parametrize("token", ["visa", "pm_visa", "pm_1Nxyz", "tok_", "pm_card_nothing", ""])
def test_other_tokens_are_nobodys(sandbox: Sandbox, token: str) -> None:
    assert sandbox.instrument(token) is None


DECLINED = "Your card was declined."
VELOCITY = (
    "Your card was declined: it was used too often lately, or for more than its limit allows."
)
DECLINES = [
    ("chargeDeclined", "0002", "card_declined", "generic_decline", DECLINED),
    (
        "chargeDeclinedInsufficientFunds", "9995", "card_declined", "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    ("chargeDeclinedLostCard", "9987", "card_declined", "lost_card", DECLINED),
    ("chargeDeclinedStolenCard", "9979", "card_declined", "stolen_card", DECLINED),
    ("chargeDeclinedExpiredCard", "0069", "expired_card", "expired_card", "Your card has expired."),
    (
        "chargeDeclinedIncorrectCvc", "0127", "incorrect_cvc", "incorrect_cvc",
        "Your card's security code is incorrect.",
    ),
    (
        "chargeDeclinedProcessingError", "0119", "processing_error", "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    (
        "chargeDeclinedVelocityLimitExceeded", "6975", "card_declined", "card_velocity_exceeded",
        VELOCITY,
    ),
    ("chargeCustomerFail", "0341", "card_declined", "generic_decline", DECLINED),
]  # fmt: skip


@pytest.mark.parametrize(("stem", "last4", "code", "decline_code", "message"), DECLINES)
async def test_a_declining_card_says_why_by_token_and_by_number(
    sandbox: Sandbox, stem: str, last4: str, code: str, decline_code: str, message: str
) -> None:
    tokens = [f"{kind}_{stem}" for kind in ("pm_card", "tok", "pm_card_visa", "tok_visa")]
    instruments = [sandbox.instrument(token) for token in tokens]
    instruments.append(sandbox.tokenize(raw(f"400000000000{last4}")))
    for instrument in instruments:
        assert instrument is not None
        outcome = await sandbox.authorize(authorize(instrument.token))
        assert isinstance(outcome, Declined)
        assert (outcome.code, outcome.decline_code) == (code, decline_code)
        assert outcome.message == message
        assert (outcome.type, outcome.network_status) == ("issuer_declined", "declined_by_network")
        assert outcome.reason == decline_code
        assert outcome.advice_code is not None


@pytest.mark.parametrize("stem", ["radarBlock", "riskLevelHighest", "chargeDeclinedFraudulent"])
async def test_a_card_that_is_too_risky_is_blocked(sandbox: Sandbox, stem: str) -> None:
    outcome = await paid(sandbox, f"pm_card_{stem}")
    assert isinstance(outcome, Declined)
    assert outcome.blocked
    assert (outcome.code, outcome.decline_code) == ("card_declined", "fraudulent")
    assert (outcome.reason, outcome.network_status) == ("highest_risk_level", "not_sent_to_network")
    assert outcome.risk.level == "highest"
    assert (outcome.risk.score or 0) >= 75


async def test_an_elevated_risk_is_charged_and_said(sandbox: Sandbox) -> None:
    outcome = await paid(sandbox, "pm_card_riskLevelElevated")
    assert isinstance(outcome, Approved)
    assert outcome.risk.level == "elevated"
    assert 65 <= (outcome.risk.score or 0) < 75


@pytest.mark.parametrize(
    ("stem", "checks"),
    [
        ("visa", ("pass", "pass", "pass")),
        ("cvcCheckFail", ("fail", "pass", "pass")),
        ("avsLine1Fail", ("pass", "fail", "pass")),
        ("avsZipFail", ("pass", "pass", "fail")),
        ("avsFail", ("pass", "fail", "fail")),
        ("avsUnchecked", ("pass", "unavailable", "unavailable")),
    ],
)
async def test_what_was_given_is_checked_and_nothing_else(
    sandbox: Sandbox, stem: str, checks: tuple[Any, Any, Any]
) -> None:
    token = f"pm_card_{stem}"
    all_given = await paid(sandbox, token, checks=Checks("pass", "unchecked", "unchecked"))
    assert isinstance(all_given, Approved)
    assert all_given.checks == Checks(*checks)
    only_cvc = await paid(sandbox, token)
    assert isinstance(only_cvc, Approved)
    assert only_cvc.checks == Checks(cvc_check=checks[0])


@pytest.mark.parametrize("last4", ["0127", "0101"])
async def test_an_issuer_that_sees_no_cvc_finds_none_wrong(sandbox: Sandbox, last4: str) -> None:
    instrument = sandbox.tokenize(raw(f"400000000000{last4}", cvc=None))
    assert instrument.checks == Checks()
    assert isinstance(await sandbox.authorize(authorize(instrument.token)), Approved)


REQUIRED = "authentication_required"
AUTHENTICATIONS = [
    # token, wishes, what comes of it: "asked", "approved" or a decline's code
    ("authenticationRequired", {}, "asked"),
    ("authenticationRequired", {"off_session": True}, REQUIRED),
    ("authenticationRequired", {"off_session": True, "set_up": True}, REQUIRED),
    ("authenticationRequired", {"authentication": "succeeded"}, "approved"),
    (
        "authenticationRequired", {"authentication": "failed"},
        "payment_intent_authentication_failure",
    ),
    ("authenticationRequiredOnSetup", {}, "asked"),
    ("authenticationRequiredOnSetup", {"set_up": True}, "asked"),
    ("authenticationRequiredOnSetup", {"off_session": True}, REQUIRED),
    ("authenticationRequiredOnSetup", {"off_session": True, "set_up": True}, "approved"),
    ("authenticationRequiredSetupForOffSession", {}, "asked"),
    ("authenticationRequiredSetupForOffSession", {"off_session": True}, "approved"),
    ("authenticationRequiredChargeDeclinedInsufficientFunds", {}, "asked"),
    (
        "authenticationRequiredChargeDeclinedInsufficientFunds", {"authentication": "succeeded"},
        "insufficient_funds",
    ),
    (
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        {"off_session": True, "set_up": True}, "insufficient_funds",
    ),
    ("threeDSecure2Required", {}, "asked"),
    ("threeDSecureRequired", {}, "asked"),
    ("threeDSecureRequiredChargeDeclined", {}, "asked"),
    (
        "threeDSecureRequiredChargeDeclined", {"authentication": "succeeded"}, "generic_decline",
    ),
    ("threeDSecureRequiredProcessingError", {}, "generic_decline"),
    ("threeDSecureOptional", {}, "approved"),
    ("threeDSecureOptional", {"three_d_secure": "any"}, "asked"),
    ("threeDSecureOptionalProcessingError", {}, "approved"),
    ("threeDSecureOptionalProcessingError", {"three_d_secure": "challenge"}, "generic_decline"),
    ("visa", {"three_d_secure": "any"}, "approved"),
    ("amex_threeDSecureNotSupported", {"three_d_secure": "any"}, "approved"),
]  # fmt: skip


@pytest.mark.parametrize(("stem", "wishes", "expected"), AUTHENTICATIONS)
async def test_a_customer_is_asked_to_authenticate_where_the_card_says_so(
    sandbox: Sandbox, stem: str, wishes: dict[str, Any], expected: str
) -> None:
    outcome = await paid(sandbox, f"pm_card_{stem}", **wishes)
    match outcome:
        case ActionRequired(kind="authenticate", reference=reference, url=url):
            assert expected == "asked"
            assert url == f"https://guilder.test/3ds/{reference}"
        case Approved():
            assert expected == "approved"
        case Declined():
            assert expected in (outcome.code, outcome.decline_code)
        case _:
            pytest.fail(f"not expected: {outcome}")


async def test_a_charge_says_how_its_customer_was_authenticated(sandbox: Sandbox) -> None:
    proven = await paid(sandbox, "pm_card_authenticationRequired", authentication="succeeded")
    assert isinstance(proven, Approved)
    assert proven.three_d_secure == ThreeDSecure(
        "authenticated", authentication_flow="challenge", electronic_commerce_indicator="05"
    )
    unasked = await paid(sandbox, "pm_card_visa")
    assert isinstance(unasked, Approved)
    assert unasked.three_d_secure is None
    unenrolled = await paid(sandbox, "pm_card_visa", three_d_secure="any")
    assert isinstance(unenrolled, Approved)
    assert unenrolled.three_d_secure == ThreeDSecure("attempt_acknowledged")


@pytest.mark.parametrize(
    ("stem", "later"),
    [
        ("createDispute", Later("dispute", "fraudulent")),
        ("createDisputeProductNotReceived", Later("dispute", "product_not_received")),
        ("createDisputeInquiry", Later("dispute_inquiry", "fraudulent")),
        ("createMultipleDisputes", Later("dispute", "fraudulent", times=2)),
        ("createIssuerFraudRecord", Later("early_fraud_warning", "fraudulent")),
    ],
)
async def test_a_card_tells_what_it_will_bring_about(
    sandbox: Sandbox, stem: str, later: Later
) -> None:
    outcome = await paid(sandbox, f"pm_card_{stem}")
    assert isinstance(outcome, Approved)
    assert outcome.later == (later,)


async def test_money_is_available_after_two_days_or_at_once(sandbox: Sandbox) -> None:
    assert sandbox.available_on("ok", NOW) == datetime(2026, 11, 22, tzinfo=NOW.tzinfo)
    for token in ("pm_card_bypassPending", "tok_bypassPendingInternational"):
        card = sandbox.instrument(token)
        assert card is not None
        assert sandbox.available_on(card.token, NOW) == NOW


async def test_a_refund_can_be_pending_and_then_succeed(
    sandbox: Sandbox, clock: ManualClock
) -> None:
    request = refund("sbx_1", "refund_pending")
    due = NOW + timedelta(seconds=5)
    first = await sandbox.refund(request)
    assert isinstance(first, Pending)
    assert (first.shown, first.check_after) == ("pending", due)
    clock.advance(timedelta(seconds=5))
    assert await sandbox.query(request) == Approved(first.reference)


async def test_a_refund_can_look_done_and_then_fail(sandbox: Sandbox, clock: ManualClock) -> None:
    request = refund("sbx_1", "refund_fails")
    first = await sandbox.refund(request)
    assert isinstance(first, Pending)
    assert first.shown == "succeeded"
    clock.advance(timedelta(seconds=5))
    last = await sandbox.query(request)
    assert isinstance(last, Declined)
    assert last.reason == "expired_or_canceled_card"
    assert last.reference == first.reference


@pytest.mark.parametrize(
    ("stem", "first", "last"),
    [
        ("unknownOutcome", Unknown, Approved),
        ("unknownOutcomeDeclined", Unknown, Declined),
        ("pending", Pending, Approved),
        ("pendingDeclined", Pending, Declined),
    ],
)
async def test_an_outcome_that_is_not_known_is_known_when_asked_later(
    sandbox: Sandbox, clock: ManualClock, stem: str, first: type, last: type
) -> None:
    instrument = sandbox.instrument(f"pm_card_{stem}")
    assert instrument is not None
    request = authorize(instrument.token)
    assert isinstance(await sandbox.authorize(request), first)
    assert isinstance(await sandbox.query(request), first)
    clock.advance(timedelta(seconds=5))
    assert isinstance(await sandbox.query(request), last)


async def test_a_slow_card_takes_its_time(clock: ManualClock) -> None:
    sandbox = Sandbox(clock, b"key", delays=Delays(slow_s=0.01))
    assert isinstance(await paid(sandbox, "pm_card_slow"), Approved)


async def test_asked_twice_about_one_attempt_it_says_the_same(sandbox: Sandbox) -> None:
    again = Sandbox(ManualClock(NOW + timedelta(days=1)), b"another key")
    for behaviour in BEHAVIOURS:
        if BEHAVIOURS[behaviour].timing != "at_once":
            continue
        request = authorize(behaviour)
        first = await sandbox.authorize(request)
        if not isinstance(first, ActionRequired):
            assert await sandbox.authorize(request) == first == await again.query(request)


async def test_two_attempts_have_different_references(sandbox: Sandbox) -> None:
    one, other = await paid(sandbox, "pm_card_visa"), await paid(sandbox, "pm_card_visa")
    assert isinstance(one, Approved)
    assert isinstance(other, Approved)
    assert one.reference != other.reference
    assert len(one.authorization_code or "") == 6
    assert len(one.network_transaction_id or "") == 15


async def test_holds_are_captured_raised_and_voided(sandbox: Sandbox) -> None:
    hold = await paid(sandbox, "pm_card_visa", capture=False)
    assert isinstance(hold, Approved)
    assert not hold.captured
    for outcome in (
        await sandbox.increment(increment(hold.reference)),
        await sandbox.capture(capture(hold.reference, amount=700)),
        await sandbox.void(void(hold.reference)),
    ):
        assert isinstance(outcome, Approved)
        assert outcome.reference != hold.reference
    refused = await sandbox.increment(increment(hold.reference, "increment_declined"))
    assert isinstance(refused, Declined)


@pytest.mark.parametrize("card", ["4000000000000002", "4000000000009995", "4000000000000069"])
def test_a_declining_card_cannot_be_kept_on_file(sandbox: Sandbox, card: str) -> None:
    refusal = sandbox.attachable(sandbox.tokenize(raw(card)).token)
    assert refusal is not None
    assert refusal.message.startswith("Your card")


@pytest.mark.parametrize("card", ["4242424242424242", "4000000000000341", "4000002760003184"])
def test_other_cards_can_be_kept_on_file(sandbox: Sandbox, card: str) -> None:
    assert sandbox.attachable(sandbox.tokenize(raw(card)).token) is None


def test_a_real_card_is_refused_without_being_quoted(sandbox: Sandbox) -> None:
    real = "4539578763621486"
    with pytest.raises(CardDeclined) as refusal:
        sandbox.tokenize(raw(real))
    assert (refusal.value.code, refusal.value.decline_code) == (
        "card_declined",
        "test_mode_live_card",
    )
    assert real not in f"{refusal.value!r} {refusal.value.message}"


@pytest.mark.parametrize("card", CARDS)
def test_nothing_but_the_last_four_digits_is_kept(sandbox: Sandbox, card: str) -> None:
    instrument = sandbox.tokenize(raw(card, cvc="987" if len(card) != 15 else "9876"))
    kept = repr(dataclasses.asdict(instrument))
    assert card not in kept
    assert card[:12] not in kept
    assert "987" not in kept.replace(instrument.fingerprint, "").replace(instrument.last4, "")


def test_a_number_and_its_token_are_the_same_card(sandbox: Sandbox) -> None:
    by_token = sandbox.instrument("pm_card_visa")
    by_number = sandbox.tokenize(raw("4242 4242 4242 4242"))
    other = sandbox.tokenize(raw("4000056655665556"))
    assert by_token is not None
    assert by_token.fingerprint == by_number.fingerprint != other.fingerprint
