# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.payment_intents import PaymentIntent
    from guilder_server.wire.payment_methods import PaymentMethod, PaymentMethodType

AdviceCode: TypeAlias = Literal["confirm_card_data", "do_not_try_again", "try_again_later"]

AllowRedisplay: TypeAlias = Literal["always", "limited", "unspecified"]

CaptureMethod: TypeAlias = Literal["automatic", "automatic_async", "manual"]

CardBrand: TypeAlias = Literal[
    "amex",
    "diners",
    "discover",
    "eftpos_au",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
]

CardCheck: TypeAlias = Literal["fail", "pass", "unavailable", "unchecked"]

CardFunding: TypeAlias = Literal["credit", "debit", "prepaid", "unknown"]

CardNetwork: TypeAlias = Literal[
    "amex",
    "cartes_bancaires",
    "diners",
    "discover",
    "eftpos_au",
    "girocard",
    "interac",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
]

ConfirmationMethod: TypeAlias = Literal["automatic", "manual"]

CurrencyCode: TypeAlias = str

ErrorCode: TypeAlias = Literal[
    "account_invalid",
    "amount_too_large",
    "amount_too_small",
    "api_key_expired",
    "authentication_required",
    "balance_insufficient",
    "capture_charge_authorization_expired",
    "capture_unauthorized_payment",
    "card_decline_rate_limit_exceeded",
    "card_declined",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_disputed",
    "charge_exceeds_transaction_limit",
    "charge_expired_for_capture",
    "charge_invalid_parameter",
    "charge_not_refundable",
    "country_code_invalid",
    "customer_max_payment_methods",
    "email_invalid",
    "expired_card",
    "idempotency_key_in_use",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_zip",
    "intent_invalid_state",
    "invalid_card_type",
    "invalid_characters",
    "invalid_charge_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "livemode_mismatch",
    "lock_timeout",
    "missing",
    "parameter_invalid_empty",
    "parameter_invalid_integer",
    "parameter_invalid_string_blank",
    "parameter_invalid_string_empty",
    "parameter_missing",
    "parameter_unknown",
    "parameters_exclusive",
    "payment_intent_action_required",
    "payment_intent_authentication_failure",
    "payment_intent_incompatible_payment_method",
    "payment_intent_invalid_parameter",
    "payment_intent_payment_attempt_expired",
    "payment_intent_payment_attempt_failed",
    "payment_intent_rate_limit_exceeded",
    "payment_intent_unexpected_state",
    "payment_method_currency_mismatch",
    "payment_method_customer_decline",
    "payment_method_invalid_parameter",
    "payment_method_invalid_parameter_testmode",
    "payment_method_not_available",
    "payment_method_provider_decline",
    "payment_method_provider_timeout",
    "payment_method_unactivated",
    "payment_method_unexpected_state",
    "payment_method_unsupported_type",
    "platform_api_key_expired",
    "postal_code_invalid",
    "processing_error",
    "rate_limit",
    "refund_disputed_payment",
    "request_blocked",
    "resource_already_exists",
    "resource_missing",
    "secret_key_required",
    "shipping_address_invalid",
    "state_unsupported",
    "status_transition_invalid",
    "testmode_charges_only",
    "tls_version_unsupported",
    "token_already_used",
    "token_in_use",
    "url_invalid",
]

ErrorType: TypeAlias = Literal[
    "api_error",
    "card_error",
    "idempotency_error",
    "invalid_request_error",
]

Expand: TypeAlias = list[str]

FraudReport: TypeAlias = Literal["fraudulent", "safe"]

Id: TypeAlias = str

MandateDataParams: TypeAlias = 'MandateParams | Literal[""]'

Metadata: TypeAlias = dict[str, str]

MetadataParams: TypeAlias = 'Metadata | Literal[""]'

MinorUnits: TypeAlias = int

OffSession: TypeAlias = bool | Literal["one_off", "recurring"]

PreferredLocales: TypeAlias = list[str]

RegulatedStatus: TypeAlias = Literal["regulated", "unregulated"]

RequestIfAvailable: TypeAlias = Literal["if_available", "never"]

RequestThreeDSecure: TypeAlias = Literal["any", "automatic", "challenge"]

SetupFutureUsage: TypeAlias = Literal["off_session", "on_session"]

TaxExempt: TypeAlias = Literal["exempt", "none", "reverse"]


class Address(TypedDict):
    city: str | None
    country: str | None
    line1: str | None
    line2: str | None
    postal_code: str | None
    state: str | None


class AddressParams(TypedDict):
    city: NotRequired[str]
    country: NotRequired[str]
    line1: NotRequired[str]
    line2: NotRequired[str]
    postal_code: NotRequired[str]
    state: NotRequired[str]


class BillingDetails(TypedDict):
    address: Address
    email: str | None
    name: str | None
    phone: str | None
    tax_id: str | None


class BillingDetailsParams(TypedDict):
    address: NotRequired[AddressParams | Literal[""]]
    email: NotRequired[str]
    name: NotRequired[str]
    phone: NotRequired[str]
    tax_id: NotRequired[str]


class CardChecks(TypedDict):
    """What the issuer said about the details given; null when one was not given."""

    address_line1_check: CardCheck | None
    address_postal_code_check: CardCheck | None
    cvc_check: CardCheck | None


class DeletedCustomer(TypedDict):
    id: str
    object: Literal["customer"]
    deleted: Literal[True]


class Error(TypedDict):
    type: ErrorType
    message: str
    code: NotRequired[ErrorCode]
    param: NotRequired[str]
    decline_code: NotRequired[str]
    advice_code: NotRequired[AdviceCode]
    network_advice_code: NotRequired[str]
    network_decline_code: NotRequired[str]
    charge: NotRequired[str]
    doc_url: NotRequired[str]
    payment_intent: NotRequired[PaymentIntent]
    payment_method: NotRequired[PaymentMethod]
    payment_method_type: NotRequired[PaymentMethodType]
    request_log_url: NotRequired[str]


class ErrorEnvelope(TypedDict):
    error: Error


class MandateAcceptanceParams(TypedDict):
    """Accepted, without effect."""

    accepted_at: NotRequired[int]
    offline: NotRequired[MandateOfflineParams]
    online: NotRequired[MandateOnlineParams]
    type: Literal["offline", "online"]


class MandateOfflineParams(TypedDict):
    """Accepted, without effect."""


class MandateOnlineParams(TypedDict):
    """Accepted, without effect."""

    ip_address: NotRequired[str]
    user_agent: NotRequired[str]


class MandateParams(TypedDict):
    """Accepted, without effect."""

    customer_acceptance: NotRequired[MandateAcceptanceParams]


class RadarOptionsParams(TypedDict):
    """Accepted, without effect."""

    session: NotRequired[str]


class RangeQuery(TypedDict):
    gt: NotRequired[int]
    gte: NotRequired[int]
    lt: NotRequired[int]
    lte: NotRequired[int]


class Shipping(TypedDict):
    address: Address
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


class ShippingParams(TypedDict):
    address: AddressParams
    carrier: NotRequired[str]
    name: str
    phone: NotRequired[str]
    tracking_number: NotRequired[str]
