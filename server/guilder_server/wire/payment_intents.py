# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Any, Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.charges import Charge
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.payment_methods import (
        PaymentMethod,
        PaymentMethodDataParams,
        PaymentMethodType,
        PaymentMethodTypes,
    )
    from guilder_server.wire.shared import (
        AdviceCode,
        CaptureMethod,
        CardNetwork,
        ConfirmationMethod,
        CurrencyCode,
        DeletedCustomer,
        ErrorCode,
        ErrorType,
        Expand,
        Id,
        MandateDataParams,
        Metadata,
        MetadataParams,
        MinorUnits,
        OffSession,
        RadarOptionsParams,
        RangeQuery,
        RequestIfAvailable,
        RequestThreeDSecure,
        SetupFutureUsage,
        Shipping,
        ShippingParams,
    )

PaymentIntentCancellationReason: TypeAlias = Literal[
    "abandoned",
    "automatic",
    "duplicate",
    "expired",
    "failed_invoice",
    "fraudulent",
    "requested_by_customer",
    "void_invoice",
]

PaymentIntentSdkAction: TypeAlias = dict[str, Any]

PaymentIntentStatus: TypeAlias = Literal[
    "canceled",
    "processing",
    "requires_action",
    "requires_capture",
    "requires_confirmation",
    "requires_payment_method",
    "succeeded",
]


class CancelPaymentIntentParams(TypedDict):
    cancellation_reason: NotRequired[Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"]]
    expand: NotRequired[Expand]


class CapturePaymentIntentParams(TypedDict):
    amount_to_capture: NotRequired[MinorUnits]
    expand: NotRequired[Expand]
    final_capture: NotRequired[bool]
    metadata: NotRequired[MetadataParams]
    statement_descriptor: NotRequired[str]
    statement_descriptor_suffix: NotRequired[str]


class ConfirmPaymentIntentParams(TypedDict):
    allowed_payment_method_types: NotRequired[PaymentMethodTypes]
    capture_method: NotRequired[CaptureMethod]
    client_secret: NotRequired[str]
    error_on_requires_action: NotRequired[bool]
    expand: NotRequired[Expand]
    mandate_data: NotRequired[MandateDataParams]
    off_session: NotRequired[OffSession]
    payment_method: NotRequired[Id]
    payment_method_data: NotRequired[PaymentMethodDataParams]
    payment_method_options: NotRequired[PaymentIntentPaymentMethodOptionsParams]
    payment_method_types: NotRequired[PaymentMethodTypes]
    radar_options: NotRequired[RadarOptionsParams]
    receipt_email: NotRequired[str]
    return_url: NotRequired[str]
    setup_future_usage: NotRequired[Literal["off_session", "on_session", ""]]
    shipping: NotRequired[ShippingParams | Literal[""]]
    use_stripe_sdk: NotRequired[bool]


class CreatePaymentIntentParams(TypedDict):
    allowed_payment_method_types: NotRequired[PaymentMethodTypes]
    amount: MinorUnits
    automatic_payment_methods: NotRequired[PaymentIntentAutomaticPaymentMethodsParams]
    capture_method: NotRequired[CaptureMethod]
    confirm: NotRequired[bool]
    confirmation_method: NotRequired[ConfirmationMethod]
    currency: CurrencyCode
    customer: NotRequired[Id]
    description: NotRequired[str]
    error_on_requires_action: NotRequired[bool]
    expand: NotRequired[Expand]
    mandate_data: NotRequired[MandateDataParams]
    metadata: NotRequired[MetadataParams]
    off_session: NotRequired[OffSession]
    payment_method: NotRequired[Id]
    payment_method_data: NotRequired[PaymentMethodDataParams]
    payment_method_options: NotRequired[PaymentIntentPaymentMethodOptionsParams]
    payment_method_types: NotRequired[PaymentMethodTypes]
    radar_options: NotRequired[RadarOptionsParams]
    receipt_email: NotRequired[str]
    return_url: NotRequired[str]
    setup_future_usage: NotRequired[SetupFutureUsage]
    shipping: NotRequired[ShippingParams | Literal[""]]
    statement_descriptor: NotRequired[str]
    statement_descriptor_suffix: NotRequired[str]
    top_up_wallet: NotRequired[str]
    transfer_group: NotRequired[str]
    use_stripe_sdk: NotRequired[bool]
    wallet: NotRequired[str]
    wallet_amount: NotRequired[int | Literal[""]]


class IncrementPaymentIntentAuthorizationParams(TypedDict):
    amount: MinorUnits
    description: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    statement_descriptor: NotRequired[str]


class ListPaymentIntentsParams(TypedDict):
    """List payment intents."""

    customer: NotRequired[Id]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class PaymentIntent(TypedDict):
    id: str
    object: Literal["payment_intent"]
    allowed_payment_method_types: list[PaymentMethodType] | None
    amount: MinorUnits
    amount_capturable: MinorUnits
    amount_received: MinorUnits
    application: None
    application_fee_amount: None
    automatic_payment_methods: PaymentIntentAutomaticPaymentMethods | None
    canceled_at: int | None
    cancellation_reason: PaymentIntentCancellationReason | None
    capture_method: CaptureMethod
    client_secret: str | None
    confirmation_method: ConfirmationMethod
    created: int
    currency: str
    customer: str | Customer | DeletedCustomer | None
    customer_account: None
    description: str | None
    excluded_payment_method_types: None
    last_payment_error: PaymentIntentLastPaymentError | None
    latest_charge: str | Charge | None
    livemode: bool
    metadata: Metadata
    next_action: PaymentIntentNextAction | None
    on_behalf_of: None
    payment_method: str | PaymentMethod | None
    payment_method_configuration_details: None
    payment_method_options: PaymentIntentPaymentMethodOptions | None
    payment_method_types: list[PaymentMethodType]
    processing: PaymentIntentProcessing | None
    receipt_email: str | None
    review: None
    setup_future_usage: SetupFutureUsage | None
    shipping: Shipping | None
    source: None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: PaymentIntentStatus
    top_up_wallet: str | None
    transfer_data: None
    transfer_group: str | None
    wallet: str | None
    wallet_amount: int | None
    wallet_charge: str | Charge | None


class PaymentIntentAutomaticPaymentMethods(TypedDict):
    allow_redirects: NotRequired[Literal["always", "never"]]
    enabled: bool


class PaymentIntentAutomaticPaymentMethodsParams(TypedDict):
    allow_redirects: NotRequired[Literal["always", "never"]]
    enabled: bool


class PaymentIntentCardOptions(TypedDict):
    capture_method: NotRequired[Literal["manual"]]
    installments: None
    mandate_options: None
    network: CardNetwork | None
    request_extended_authorization: NotRequired[RequestIfAvailable]
    request_incremental_authorization: NotRequired[RequestIfAvailable]
    request_multicapture: NotRequired[RequestIfAvailable]
    request_overcapture: NotRequired[RequestIfAvailable]
    request_three_d_secure: RequestThreeDSecure | None
    require_cvc_recollection: NotRequired[bool]
    setup_future_usage: NotRequired[Literal["none", "off_session", "on_session"]]


class PaymentIntentCardOptionsParams(TypedDict):
    capture_method: NotRequired[Literal["manual", ""]]
    network: NotRequired[CardNetwork]
    request_extended_authorization: NotRequired[RequestIfAvailable]
    request_incremental_authorization: NotRequired[RequestIfAvailable]
    request_multicapture: NotRequired[RequestIfAvailable]
    request_overcapture: NotRequired[RequestIfAvailable]
    request_three_d_secure: NotRequired[RequestThreeDSecure]
    require_cvc_recollection: NotRequired[bool]
    setup_future_usage: NotRequired[Literal["none", "off_session", "on_session", ""]]


class PaymentIntentCardProcessing(TypedDict):
    customer_notification: None


class PaymentIntentLastPaymentError(TypedDict):
    """Why the last attempt failed."""

    advice_code: NotRequired[AdviceCode]
    charge: NotRequired[str]
    code: NotRequired[ErrorCode]
    decline_code: NotRequired[str]
    doc_url: NotRequired[str]
    message: str
    network_advice_code: NotRequired[str]
    network_decline_code: NotRequired[str]
    param: NotRequired[str]
    payment_method: NotRequired[PaymentMethod]
    payment_method_type: NotRequired[PaymentMethodType]
    type: ErrorType


class PaymentIntentList(TypedDict):
    object: Literal["list"]
    data: list[PaymentIntent]
    has_more: bool
    url: str


class PaymentIntentNextAction(TypedDict):
    """What the payer must do before the payment can go on."""

    redirect_to_url: NotRequired[PaymentIntentRedirect]
    type: Literal["redirect_to_url", "use_stripe_sdk"]
    use_stripe_sdk: NotRequired[PaymentIntentSdkAction]


class PaymentIntentPaymentMethodOptions(TypedDict):
    card: NotRequired[PaymentIntentCardOptions]


class PaymentIntentPaymentMethodOptionsParams(TypedDict):
    card: NotRequired[PaymentIntentCardOptionsParams | Literal[""]]


class PaymentIntentProcessing(TypedDict):
    card: NotRequired[PaymentIntentCardProcessing]
    type: Literal["card"]


class PaymentIntentRedirect(TypedDict):
    return_url: str | None
    url: str | None


class PaymentIntentSearchResult(TypedDict):
    object: Literal["search_result"]
    data: list[PaymentIntent]
    has_more: bool
    next_page: str | None
    url: str


class RetrievePaymentIntentParams(TypedDict):
    """Retrieve a payment intent."""

    client_secret: NotRequired[str]
    expand: NotRequired[Expand]


class SearchPaymentIntentsParams(TypedDict):
    """Search payment intents."""

    query: str
    limit: NotRequired[int]
    page: NotRequired[str]
    expand: NotRequired[Expand]


class UpdatePaymentIntentParams(TypedDict):
    allowed_payment_method_types: NotRequired[PaymentMethodTypes]
    amount: NotRequired[MinorUnits]
    capture_method: NotRequired[CaptureMethod]
    currency: NotRequired[CurrencyCode]
    customer: NotRequired[Id]
    description: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    payment_method: NotRequired[str]
    payment_method_data: NotRequired[PaymentMethodDataParams]
    payment_method_options: NotRequired[PaymentIntentPaymentMethodOptionsParams]
    payment_method_types: NotRequired[PaymentMethodTypes]
    receipt_email: NotRequired[str]
    setup_future_usage: NotRequired[Literal["off_session", "on_session", ""]]
    shipping: NotRequired[ShippingParams | Literal[""]]
    statement_descriptor: NotRequired[str]
    statement_descriptor_suffix: NotRequired[str]
    top_up_wallet: NotRequired[str]
    transfer_group: NotRequired[str]
    wallet: NotRequired[str]
    wallet_amount: NotRequired[int | Literal[""]]
