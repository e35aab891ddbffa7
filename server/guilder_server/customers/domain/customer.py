"""A customer: somebody a merchant charges, and what the merchant knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from guilder_server.kernel import contact, metadata
from guilder_server.kernel.contact import Address
from guilder_server.kernel.copies import replace

TaxExempt: TypeAlias = Literal["exempt", "none", "reverse"]


class CustomField(TypedDict):
    name: str
    value: str


class RenderingOptions(TypedDict):
    amount_tax_display: str | None
    template: None


class InvoiceSettings(TypedDict):
    """`default_payment_method` is the id of a payment method attached to the customer."""

    custom_fields: list[CustomField] | None
    default_payment_method: str | None
    footer: str | None
    rendering_options: RenderingOptions | None


class CustomerShipping(TypedDict):
    address: Address
    name: str | None
    phone: str | None


NO_INVOICE_SETTINGS = InvoiceSettings(
    custom_fields=None, default_payment_method=None, footer=None, rendering_options=None
)


@dataclass(frozen=True)
class Customer:
    """A deleted customer keeps its row, so that what refers to it still finds it, and loses
    everything personal in it."""

    id: str
    version: int
    created: datetime
    invoice_prefix: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    business_name: str | None = None
    individual_name: str | None = None
    address: Address | None = None
    shipping: CustomerShipping | None = None
    invoice_settings: InvoiceSettings | None = None
    preferred_locales: list[str] = field(default_factory=list)
    tax_exempt: TaxExempt = "none"
    metadata: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    @property
    def default_payment_method(self) -> str | None:
        return self.invoice_settings["default_payment_method"] if self.invoice_settings else None


def described(customer: Customer, given: Mapping[str, Any]) -> Customer:
    """The customer after a request that says `given`, its default payment method left alone:
    whether that one may be set is not for the customer to know."""
    return replace(
        customer,
        name=contact.text(given, "name", customer.name),
        email=contact.email(given, "email", "email", customer.email),
        phone=contact.text(given, "phone", customer.phone),
        description=contact.text(given, "description", customer.description),
        business_name=contact.text(given, "business_name", customer.business_name),
        individual_name=contact.text(given, "individual_name", customer.individual_name),
        address=_address(given, customer.address),
        shipping=_shipping(given, customer.shipping),
        invoice_settings=_invoice_settings(given, customer.invoice_settings),
        preferred_locales=list(given.get("preferred_locales", customer.preferred_locales)),
        tax_exempt=given.get("tax_exempt", customer.tax_exempt) or "none",
        metadata=metadata.merge(customer.metadata, given.get("metadata")),
    )


def with_default(customer: Customer, payment_method: str | None) -> Customer:
    """The customer whose invoices are paid with `payment_method`."""
    if customer.default_payment_method == payment_method:
        return customer
    settings = customer.invoice_settings or NO_INVOICE_SETTINGS
    return replace(
        customer, invoice_settings=_kept({**settings, "default_payment_method": payment_method})
    )


def erased(customer: Customer) -> Customer:
    """What is left of a deleted customer: that it was there."""
    return Customer(
        id=customer.id,
        version=customer.version,
        created=customer.created,
        invoice_prefix=customer.invoice_prefix,
        deleted=True,
    )


def _address(given: Mapping[str, Any], current: Address | None) -> Address | None:
    if "address" not in given:
        return current
    return contact.address_from(given["address"], current) if given["address"] else None


def _shipping(
    given: Mapping[str, Any], current: CustomerShipping | None
) -> CustomerShipping | None:
    if "shipping" not in given:
        return current
    sent = given["shipping"]
    if not sent:
        return None
    return CustomerShipping(
        address=contact.address_from(sent["address"]),
        name=contact.text(sent, "name"),
        phone=contact.text(sent, "phone"),
    )


def _invoice_settings(
    given: Mapping[str, Any], current: InvoiceSettings | None
) -> InvoiceSettings | None:
    sent = given.get("invoice_settings")
    if not sent:
        return current
    settings = current or NO_INVOICE_SETTINGS
    fields, rendering = settings["custom_fields"], settings["rendering_options"]
    if "custom_fields" in sent:
        fields = [CustomField(name=f["name"], value=f["value"]) for f in sent["custom_fields"]]
    if "rendering_options" in sent:
        rendering = _rendering(sent["rendering_options"], rendering)
    return _kept(
        InvoiceSettings(
            custom_fields=fields or None,
            default_payment_method=settings["default_payment_method"],
            footer=contact.text(sent, "footer", settings["footer"]),
            rendering_options=rendering,
        )
    )


def _rendering(
    sent: Mapping[str, Any] | Literal[""], current: RenderingOptions | None
) -> RenderingOptions | None:
    if not sent:
        return None
    display = contact.text(
        sent, "amount_tax_display", current["amount_tax_display"] if current else None
    )
    return RenderingOptions(amount_tax_display=display, template=None)


def _kept(settings: InvoiceSettings) -> InvoiceSettings | None:
    """Settings of which none is set are not kept at all."""
    return settings if any(settings.values()) else None
