"""What a gateway can answer. One of these, always; never an exception for a card that says no.

The words inside are the wire's own (`approved_by_network`, `issuer_declined`, …), so that a
charge can show them as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

CheckResult: TypeAlias = Literal["pass", "fail", "unavailable", "unchecked"]
RiskLevel: TypeAlias = Literal["normal", "elevated", "highest", "not_assessed", "unknown"]
NetworkStatus: TypeAlias = Literal[
    "approved_by_network",
    "declined_by_network",
    "not_sent_to_network",
    "reversed_after_approval",
]
AdviceCode: TypeAlias = Literal["confirm_card_data", "do_not_try_again", "try_again_later"]


@dataclass(frozen=True)
class Checks:
    """What the issuer said of the details given with the card; None: that detail was not given."""

    cvc_check: CheckResult | None = None
    address_line1_check: CheckResult | None = None
    address_postal_code_check: CheckResult | None = None

    def given(self) -> dict[str, CheckResult]:
        """By name, without what was not given."""
        return {name: result for name, result in vars(self).items() if result is not None}


@dataclass(frozen=True, slots=True)
class Risk:
    level: RiskLevel = "not_assessed"
    score: int | None = None


NOTHING_GIVEN = Checks()
NOT_ASSESSED = Risk()


@dataclass(frozen=True, slots=True)
class ThreeDSecure:
    """How the customer was authenticated, as `payment_method_details.card.three_d_secure`."""

    result: Literal[
        "attempt_acknowledged",
        "authenticated",
        "exempted",
        "failed",
        "not_supported",
        "processing_error",
    ]
    version: str = "2.2.0"
    authentication_flow: Literal["challenge", "frictionless"] | None = None
    result_reason: str | None = None
    electronic_commerce_indicator: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Something a test card brings about after its charge succeeded. Gateways with real cards
    report such things when they happen and leave this empty."""

    kind: Literal["dispute", "dispute_inquiry", "early_fraud_warning"]
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Approved:
    """It is done. `reference` is the gateway's own id of what was done. `arrives`: when money that
    was sent to a bank is expected there."""

    reference: str
    captured: bool = False
    authorization_code: str | None = None
    network_transaction_id: str | None = None
    checks: Checks = NOTHING_GIVEN
    risk: Risk = NOT_ASSESSED
    three_d_secure: ThreeDSecure | None = None
    arrives: datetime | None = None
    later: tuple[Later, ...] = ()
    type: Literal["authorized"] = "authorized"
    network_status: NetworkStatus = "approved_by_network"
    seller_message: str = "Payment complete."


@dataclass(frozen=True, slots=True)
class Declined:
    """It is refused and nothing was taken or given back.

    `code`, `decline_code`, `message` and `param` are for the caller's error; `type` and
    `reason` for the charge's outcome: `blocked` never reached the network, `invalid` could not
    have succeeded anywhere.
    """

    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None
    type: Literal["issuer_declined", "blocked", "invalid"] = "issuer_declined"
    reason: str | None = None
    network_status: NetworkStatus = "declined_by_network"
    seller_message: str = "The bank did not return any further details with this decline."
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    advice_code: AdviceCode | None = None
    checks: Checks = NOTHING_GIVEN
    risk: Risk = NOT_ASSESSED
    three_d_secure: ThreeDSecure | None = None
    reference: str | None = None

    @property
    def blocked(self) -> bool:
        return self.type == "blocked"


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The customer must do something first, such as authenticate with their bank.

    Nothing is held yet. Once done, authorize again with `authentication="succeeded"` (or
    `"failed"`) under a new attempt id.
    """

    kind: Literal["authenticate"]
    reference: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted, and the final word comes later: ask again after `check_after`.

    `shown` is what it may be shown as meanwhile: some refunds look successful until, days
    later, they are not.
    """

    reference: str
    check_after: datetime
    shown: Literal["pending", "succeeded"] = "pending"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The reply was lost or never came. The card may have been charged: nobody here knows."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway has never heard of this attempt (yet)."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Money that was paid out has reached the bank. It may still come back: ask again after
    `check_after`; None: that was the last word."""

    check_after: datetime | None = None


Outcome: TypeAlias = Approved | Declined | ActionRequired | Pending | Unknown
Answer: TypeAlias = Outcome | NotFound
# Of money on its way to a bank.
Passage: TypeAlias = Pending | Arrived | Declined | Unknown
