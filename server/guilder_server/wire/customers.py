# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.payment_methods import PaymentMethod, PaymentMethodType
    from guilder_server.wire.shared import (
        Address,
        AddressParams,
        AllowRedisplay,
        Expand,
        Id,
        Metadata,
        MetadataParams,
        MinorUnits,
        PreferredLocales,
        RangeQuery,
        TaxExempt,
    )

class CreateCustomerParams(TypedDict):
    address: NotRequired[AddressParams | Literal[""]]
    business_name: NotRequired[str]
    description: NotRequired[str]
    email: NotRequired[str]
    expand: NotRequired[Expand]
    individual_name: NotRequired[str]
    invoice_settings: NotRequired[CustomerInvoiceSettingsParams]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    payment_method: NotRequired[Id]
    phone: NotRequired[str]
    preferred_locales: NotRequired[PreferredLocales]
    shipping: NotRequired[CustomerShippingParams | Literal[""]]
    tax_exempt: NotRequired[Literal["exempt", "none", "reverse", ""]]


class Customer(TypedDict):
    id: str
    object: Literal["customer"]
    address: Address | None
    balance: MinorUnits
    business_name: str | None
    created: int
    currency: str | None
    customer_account: None
    default_source: None
    delinquent: bool
    description: str | None
    discount: None
    email: str | None
    individual_name: str | None
    invoice_prefix: str
    invoice_settings: CustomerInvoiceSettings
    livemode: bool
    metadata: Metadata
    name: str | None
    next_invoice_sequence: int
    phone: str | None
    preferred_locales: list[str]
    shipping: CustomerShipping | None
    tax_exempt: TaxExempt
    test_clock: None


class CustomerInvoiceCustomField(TypedDict):
    name: str
    value: str


class CustomerInvoiceRenderingOptions(TypedDict):
    amount_tax_display: str | None
    template: None


class CustomerInvoiceRenderingOptionsParams(TypedDict):
    amount_tax_display: NotRequired[Literal["exclude_tax", "include_inclusive_tax", ""]]


class CustomerInvoiceSettings(TypedDict):
    custom_fields: list[CustomerInvoiceCustomField] | None
    default_payment_method: str | PaymentMethod | None
    footer: str | None
    rendering_options: CustomerInvoiceRenderingOptions | None


class CustomerInvoiceSettingsParams(TypedDict):
    custom_fields: NotRequired[list[CustomerInvoiceCustomField] | Literal[""]]
    default_payment_method: NotRequired[str]
    footer: NotRequired[str]
    rendering_options: NotRequired[CustomerInvoiceRenderingOptionsParams | Literal[""]]


class CustomerList(TypedDict):
    object: Literal["list"]
    data: list[Customer]
    has_more: bool
    url: str


class CustomerSearchResult(TypedDict):
    object: Literal["search_result"]
    data: list[Customer]
    has_more: bool
    next_page: str | None
    url: str


class CustomerShipping(TypedDict):
    address: Address
    name: str | None
    phone: str | None


class CustomerShippingParams(TypedDict):
    address: AddressParams
    name: str
    phone: NotRequired[str]


class ListCustomerPaymentMethodsParams(TypedDict):
    """List a customer's payment methods."""

    allow_redisplay: NotRequired[AllowRedisplay]
    type: NotRequired[PaymentMethodType]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListCustomersParams(TypedDict):
    """List customers."""

    email: NotRequired[str]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveCustomerParams(TypedDict):
    """Retrieve a customer."""

    expand: NotRequired[Expand]


class RetrieveCustomerPaymentMethodParams(TypedDict):
    """Retrieve a customer's payment method."""

    expand: NotRequired[Expand]


class SearchCustomersParams(TypedDict):
    """Search customers."""

    query: str
    limit: NotRequired[int]
    page: NotRequired[str]
    expand: NotRequired[Expand]


class UpdateCustomerParams(TypedDict):
    address: NotRequired[AddressParams | Literal[""]]
    business_name: NotRequired[str]
    description: NotRequired[str]
    email: NotRequired[str]
    expand: NotRequired[Expand]
    individual_name: NotRequired[str]
    invoice_settings: NotRequired[CustomerInvoiceSettingsParams]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    phone: NotRequired[str]
    preferred_locales: NotRequired[PreferredLocales]
    shipping: NotRequired[CustomerShippingParams | Literal[""]]
    tax_exempt: NotRequired[Literal["exempt", "none", "reverse", ""]]
