"""How the sandbox's cards behave: each behaviour has a word, and an instrument's token is that
word. It is all the sandbox knows of a card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from guilder_server.gateways.domain.outcomes import (
    AdviceCode,
    CheckResult,
    Declined,
    Later,
    RiskLevel,
)

Authentication: TypeAlias = Literal[
    "not_supported",  # 3D Secure cannot be done with this card
    "not_enrolled",  # it is acknowledged without asking the customer
    "if_asked",  # asked for by the request
    "unless_off_session",  # every payment with the customer present
    "unless_set_up",  # as before, and without the customer until they have agreed once
    "always",
]
Timing: TypeAlias = Literal["at_once", "slow", "pending", "unknown"]
Refunding: TypeAlias = Literal["at_once", "pending", "fails_later"]

PROCESSING_ERROR = "An error occurred while processing your card. Try again in a little bit."
VELOCITY = (
    "Your card was declined: it was used too often lately, or for more than its limit allows."
)


def _issuer(
    decline_code: str,
    network_code: str,
    advice: AdviceCode | None,
    message: str = "Your card was declined.",
    *,
    code: str = "card_declined",
    param: str | None = None,
) -> Declined:
    said = f"The bank returned the decline code `{decline_code}`."
    if decline_code == "generic_decline":
        said = "The bank did not return any further details with this decline."
    return Declined(
        code=code,
        message=message,
        # The networks' own answers repeat the code where it is not `card_declined`.
        decline_code=decline_code,
        param=param,
        reason=decline_code,
        seller_message=said,
        network_decline_code=network_code,
        advice_code=advice,
    )


GENERIC = _issuer("generic_decline", "05", "try_again_later")
INSUFFICIENT_FUNDS = _issuer(
    "insufficient_funds", "51", "try_again_later", "Your card has insufficient funds."
)
LOST = _issuer("lost_card", "41", "do_not_try_again")
STOLEN = _issuer("stolen_card", "43", "do_not_try_again")
EXPIRED = _issuer(
    "expired_card",
    "54",
    "do_not_try_again",
    "Your card has expired.",
    code="expired_card",
    param="exp_month",
)
INCORRECT_CVC = _issuer(
    "incorrect_cvc",
    "N7",
    "confirm_card_data",
    "Your card's security code is incorrect.",
    code="incorrect_cvc",
    param="cvc",
)
PROCESSING = _issuer(
    "processing_error", "96", "try_again_later", PROCESSING_ERROR, code="processing_error"
)
VELOCITY_EXCEEDED = _issuer("card_velocity_exceeded", "65", "try_again_later", VELOCITY)
AUTHENTICATION_REQUIRED = _issuer(
    "authentication_required",
    "1A",
    None,
    "Your card was declined. This transaction requires authentication.",
    code="authentication_required",
)
AUTHENTICATION_FAILED = Declined(
    code="payment_intent_authentication_failure",
    message=(
        "The customer did not authenticate with their bank. Try again, with this payment method "
        "or another one."
    ),
    type="invalid",
    reason="authentication_failed",
    network_status="not_sent_to_network",
    seller_message="The customer failed to authenticate with their bank.",
)
BLOCKED = Declined(
    code="card_declined",
    message="Your card was declined.",
    decline_code="fraudulent",
    type="blocked",
    reason="highest_risk_level",
    network_status="not_sent_to_network",
    seller_message="The gateway blocked this payment as too risky.",
)
REFUND_FAILED = Declined(
    code="card_declined",
    message="The refund failed because the card has expired or was canceled.",
    reason="expired_or_canceled_card",
    seller_message="The bank could not return the money to the card.",
)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a card behaves once it is used. `saves`: a decline comes only when it is charged, so
    that the card can be kept for later use first."""

    decline: Declined | None = None
    saves: bool = False
    risk: RiskLevel = "normal"
    cvc: CheckResult = "pass"
    address_line1: CheckResult = "pass"
    postal_code: CheckResult = "pass"
    authentication: Authentication = "not_enrolled"
    authentication_fails: bool = False
    timing: Timing = "at_once"
    refunding: Refunding = "at_once"
    later: tuple[Later, ...] = ()
    available_at_once: bool = False
    without_cvc: str | None = None
    increments: bool = True


def _three_d_secure(
    authentication: Authentication,
    decline: Declined | None = None,
    authentication_fails: bool = False,
) -> Behaviour:
    return Behaviour(
        decline=decline,
        saves=True,
        authentication=authentication,
        authentication_fails=authentication_fails,
    )


def _disputed(reason: str, times: int = 1) -> Behaviour:
    return Behaviour(later=(Later("dispute", reason, times),))


BEHAVIOURS: dict[str, Behaviour] = {
    "ok": Behaviour(),
    "no_three_d_secure": Behaviour(authentication="not_supported"),
    "declined": Behaviour(decline=GENERIC),
    "insufficient_funds": Behaviour(decline=INSUFFICIENT_FUNDS),
    "lost_card": Behaviour(decline=LOST),
    "stolen_card": Behaviour(decline=STOLEN),
    "expired_card": Behaviour(decline=EXPIRED),
    # An issuer that is told no CVC has none to find wrong.
    "incorrect_cvc": Behaviour(decline=INCORRECT_CVC, cvc="fail", without_cvc="ok"),
    "processing_error": Behaviour(decline=PROCESSING),
    "velocity_exceeded": Behaviour(decline=VELOCITY_EXCEEDED),
    "declined_once_saved": Behaviour(decline=GENERIC, saves=True),
    "lost_once_saved": Behaviour(decline=LOST, saves=True),
    "stolen_once_saved": Behaviour(decline=STOLEN, saves=True),
    "blocked": Behaviour(decline=BLOCKED, saves=True, risk="highest"),
    "elevated_risk": Behaviour(risk="elevated"),
    "cvc_fails": Behaviour(cvc="fail", without_cvc="ok"),
    "cvc_fails_elevated": Behaviour(cvc="fail", risk="elevated", without_cvc="elevated_risk"),
    "postal_code_fails": Behaviour(postal_code="fail"),
    "postal_code_fails_elevated": Behaviour(postal_code="fail", risk="elevated"),
    "line1_fails": Behaviour(address_line1="fail"),
    "address_fails": Behaviour(address_line1="fail", postal_code="fail"),
    "address_unavailable": Behaviour(address_line1="unavailable", postal_code="unavailable"),
    "disputed_fraudulent": _disputed("fraudulent"),
    "disputed_not_received": _disputed("product_not_received"),
    "disputed_twice": _disputed("fraudulent", times=2),
    "disputed_noncompliant": _disputed("noncompliant"),
    "inquiry": Behaviour(later=(Later("dispute_inquiry", "fraudulent"),)),
    "fraud_warning": Behaviour(later=(Later("early_fraud_warning", "fraudulent"),)),
    "refund_pending": Behaviour(refunding="pending"),
    "refund_fails": Behaviour(refunding="fails_later"),
    "available_at_once": Behaviour(available_at_once=True),
    "authenticate": _three_d_secure("always"),
    "authenticate_unless_set_up": _three_d_secure("unless_set_up"),
    "authenticate_on_session": _three_d_secure("unless_off_session"),
    "authenticate_then_poor": _three_d_secure("unless_set_up", INSUFFICIENT_FUNDS),
    "authenticate_then_declined": _three_d_secure("always", GENERIC),
    "authentication_error": _three_d_secure("always", authentication_fails=True),
    "authenticate_if_asked": _three_d_secure("if_asked"),
    "authentication_error_if_asked": _three_d_secure("if_asked", authentication_fails=True),
    "slow": Behaviour(timing="slow"),
    "pending": Behaviour(timing="pending"),
    "pending_then_declined": Behaviour(timing="pending", decline=GENERIC, saves=True),
    "unknown": Behaviour(timing="unknown"),
    "unknown_then_declined": Behaviour(timing="unknown", decline=GENERIC, saves=True),
    "increment_declined": Behaviour(increments=False),
}
