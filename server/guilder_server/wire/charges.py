# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.balance import BalanceTransaction
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.payment_intents import PaymentIntent
    from guilder_server.wire.refunds import RefundList
    from guilder_server.wire.shared import (
        AdviceCode,
        BillingDetails,
        CardBrand,
        CardChecks,
        CardFunding,
        CardNetwork,
        CurrencyCode,
        DeletedCustomer,
        Expand,
        FraudReport,
        Id,
        Metadata,
        MetadataParams,
        MinorUnits,
        RadarOptionsParams,
        RangeQuery,
        RegulatedStatus,
        Shipping,
        ShippingParams,
    )

ChargeStatus: TypeAlias = Literal["failed", "pending", "succeeded"]


class CaptureChargeParams(TypedDict):
    amount: NotRequired[MinorUnits]
    expand: NotRequired[Expand]
    receipt_email: NotRequired[str]
    statement_descriptor: NotRequired[str]
    statement_descriptor_suffix: NotRequired[str]
    transfer_group: NotRequired[str]


class Charge(TypedDict):
    id: str
    object: Literal["charge"]
    amount: MinorUnits
    amount_captured: MinorUnits
    amount_refunded: MinorUnits
    application: None
    application_fee: None
    application_fee_amount: None
    authorization_code: str | None
    balance_transaction: str | BalanceTransaction | None
    billing_details: BillingDetails
    calculated_statement_descriptor: str | None
    captured: bool
    created: int
    currency: str
    customer: str | Customer | DeletedCustomer | None
    description: str | None
    disputed: bool
    failure_balance_transaction: str | BalanceTransaction | None
    failure_code: str | None
    failure_message: str | None
    fraud_details: ChargeFraudDetails
    livemode: bool
    metadata: Metadata
    on_behalf_of: None
    outcome: ChargeOutcome | None
    paid: bool
    payment_intent: str | PaymentIntent | None
    payment_method: str | None
    payment_method_details: ChargePaymentMethodDetails | None
    receipt_email: str | None
    receipt_number: str | None
    receipt_url: str | None
    refunded: bool
    refunds: NotRequired[RefundList]
    review: None
    shipping: Shipping | None
    source: None
    source_transfer: None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: ChargeStatus
    top_up: str | None
    transfer_data: None
    transfer_group: str | None
    wallet: str | None


class ChargeCard(TypedDict):
    amount_authorized: int | None
    authorization_code: str | None
    brand: CardBrand
    capture_before: NotRequired[int]
    checks: CardChecks | None
    country: str | None
    exp_month: int
    exp_year: int
    extended_authorization: ChargeExtendedAuthorization | None
    fingerprint: str | None
    funding: CardFunding
    incremental_authorization: ChargeIncrementalAuthorization | None
    installments: None
    last4: str | None
    mandate: None
    multicapture: ChargeMulticapture | None
    network: CardNetwork | None
    network_token: ChargeNetworkToken | None
    network_transaction_id: str | None
    overcapture: ChargeOvercapture | None
    regulated_status: RegulatedStatus | None
    three_d_secure: ChargeThreeDSecure | None
    wallet: None


class ChargeCustomerBalance(TypedDict):
    pass


class ChargeExtendedAuthorization(TypedDict):
    status: Literal["disabled", "enabled"]


class ChargeFraudDetails(TypedDict):
    user_report: NotRequired[FraudReport]


class ChargeFraudDetailsParams(TypedDict):
    user_report: Literal["fraudulent", "safe", ""]


class ChargeIncrementalAuthorization(TypedDict):
    status: Literal["available", "unavailable"]


class ChargeList(TypedDict):
    object: Literal["list"]
    data: list[Charge]
    has_more: bool
    url: str


class ChargeMulticapture(TypedDict):
    status: Literal["available", "unavailable"]


class ChargeNetworkToken(TypedDict):
    used: bool


class ChargeOutcome(TypedDict):
    """Why the charge went as it did."""

    advice_code: AdviceCode | None
    network_advice_code: str | None
    network_decline_code: str | None
    network_status: Literal["approved_by_network", "declined_by_network", "not_sent_to_network", "reversed_after_approval"]
    reason: str | None
    risk_level: Literal["elevated", "highest", "normal", "not_assessed", "unknown"]
    risk_score: NotRequired[int]
    seller_message: str | None
    type: Literal["authorized", "blocked", "invalid", "issuer_declined", "manual_review"]


class ChargeOvercapture(TypedDict):
    maximum_amount_capturable: MinorUnits
    status: Literal["available", "unavailable"]


class ChargePaymentMethodDetails(TypedDict):
    """The payment method as it was when it was charged."""

    card: NotRequired[ChargeCard]
    customer_balance: NotRequired[ChargeCustomerBalance]
    type: Literal["card", "customer_balance"]


class ChargeSearchResult(TypedDict):
    object: Literal["search_result"]
    data: list[Charge]
    has_more: bool
    next_page: str | None
    url: str


class ChargeThreeDSecure(TypedDict):
    """How the payer was authenticated."""

    authentication_flow: Literal["challenge", "frictionless"] | None
    electronic_commerce_indicator: Literal["01", "02", "05", "06", "07"] | None
    exemption_indicator: Literal["low_risk", "none"] | None
    result: Literal["attempt_acknowledged", "authenticated", "exempted", "failed", "not_supported", "processing_error"] | None
    result_reason: Literal["abandoned", "bypassed", "canceled", "card_not_enrolled", "network_not_supported", "protocol_error", "rejected"] | None
    transaction_id: str | None
    version: Literal["1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1"] | None


class CreateChargeParams(TypedDict):
    amount: MinorUnits
    capture: NotRequired[bool]
    currency: CurrencyCode
    customer: NotRequired[Id]
    description: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    radar_options: NotRequired[RadarOptionsParams]
    receipt_email: NotRequired[str]
    shipping: NotRequired[ShippingParams]
    source: NotRequired[Id]
    statement_descriptor: NotRequired[str]
    statement_descriptor_suffix: NotRequired[str]
    transfer_group: NotRequired[str]


class ListChargesParams(TypedDict):
    """List charges."""

    customer: NotRequired[Id]
    payment_intent: NotRequired[Id]
    transfer_group: NotRequired[str]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveChargeParams(TypedDict):
    """Retrieve a charge."""

    expand: NotRequired[Expand]


class SearchChargesParams(TypedDict):
    """Search charges."""

    query: str
    limit: NotRequired[int]
    page: NotRequired[str]
    expand: NotRequired[Expand]


class UpdateChargeParams(TypedDict):
    customer: NotRequired[Id]
    description: NotRequired[str]
    expand: NotRequired[Expand]
    fraud_details: NotRequired[ChargeFraudDetailsParams]
    metadata: NotRequired[MetadataParams]
    receipt_email: NotRequired[str]
    shipping: NotRequired[ShippingParams]
    transfer_group: NotRequired[str]
