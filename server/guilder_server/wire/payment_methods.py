# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.shared import (
        AllowRedisplay,
        BillingDetails,
        BillingDetailsParams,
        CardBrand,
        CardChecks,
        CardFunding,
        DeletedCustomer,
        Expand,
        Id,
        Metadata,
        MetadataParams,
        RadarOptionsParams,
        RegulatedStatus,
    )

PaymentMethodType: TypeAlias = Literal["card"]

PaymentMethodTypes: TypeAlias = 'list[PaymentMethodType]'


class AttachPaymentMethodParams(TypedDict):
    customer: Id
    expand: NotRequired[Expand]


class CreatePaymentMethodParams(TypedDict):
    allow_redisplay: NotRequired[AllowRedisplay]
    billing_details: NotRequired[BillingDetailsParams]
    card: NotRequired[PaymentMethodCardParams]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    radar_options: NotRequired[RadarOptionsParams]
    type: PaymentMethodType


class DetachPaymentMethodParams(TypedDict):
    expand: NotRequired[Expand]


class ListPaymentMethodsParams(TypedDict):
    """List payment methods."""

    customer: NotRequired[Id]
    allow_redisplay: NotRequired[AllowRedisplay]
    type: NotRequired[PaymentMethodType]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class PaymentMethod(TypedDict):
    id: str
    object: Literal["payment_method"]
    allow_redisplay: AllowRedisplay
    billing_details: BillingDetails
    card: PaymentMethodCard
    created: int
    customer: str | Customer | DeletedCustomer | None
    customer_account: None
    livemode: bool
    metadata: Metadata
    type: PaymentMethodType


class PaymentMethodCard(TypedDict):
    brand: CardBrand
    checks: CardChecks | None
    country: str | None
    display_brand: str | None
    exp_month: int
    exp_year: int
    fingerprint: str | None
    funding: CardFunding
    generated_from: None
    last4: str
    networks: PaymentMethodCardNetworks | None
    regulated_status: RegulatedStatus | None
    three_d_secure_usage: PaymentMethodCardThreeDSecureUsage | None
    wallet: None


class PaymentMethodCardNetworks(TypedDict):
    available: list[str]
    preferred: str | None


class PaymentMethodCardNetworksParams(TypedDict):
    preferred: NotRequired[Literal["cartes_bancaires", "mastercard", "visa", ""]]


class PaymentMethodCardParams(TypedDict):
    """Either `number`, `exp_month`, `exp_year` and perhaps `cvc`, or a `token` such as
    `tok_visa`.
    """

    cvc: NotRequired[str]
    exp_month: NotRequired[int]
    exp_year: NotRequired[int]
    networks: NotRequired[PaymentMethodCardNetworksParams]
    number: NotRequired[str]
    token: NotRequired[Id]


class PaymentMethodCardThreeDSecureUsage(TypedDict):
    supported: bool


class PaymentMethodCardUpdateParams(TypedDict):
    exp_month: NotRequired[int]
    exp_year: NotRequired[int]
    networks: NotRequired[PaymentMethodCardNetworksParams]


class PaymentMethodDataParams(TypedDict):
    """A payment method to create and use for this payment."""

    allow_redisplay: NotRequired[AllowRedisplay]
    billing_details: NotRequired[BillingDetailsParams]
    card: NotRequired[PaymentMethodCardParams]
    metadata: NotRequired[MetadataParams]
    radar_options: NotRequired[RadarOptionsParams]
    type: PaymentMethodType


class PaymentMethodList(TypedDict):
    object: Literal["list"]
    data: list[PaymentMethod]
    has_more: bool
    url: str


class RetrievePaymentMethodParams(TypedDict):
    """Retrieve a payment method."""

    expand: NotRequired[Expand]


class UpdatePaymentMethodParams(TypedDict):
    allow_redisplay: NotRequired[AllowRedisplay]
    billing_details: NotRequired[BillingDetailsParams]
    card: NotRequired[PaymentMethodCardUpdateParams]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
