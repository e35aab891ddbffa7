"""Customers as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.customers.domain.customer import NO_INVOICE_SETTINGS, Customer
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant


def view_customer(customer: Customer, tenant: Tenant) -> wire.Customer:
    settings = customer.invoice_settings or NO_INVOICE_SETTINGS
    return {
        "id": customer.id,
        "object": "customer",
        "address": customer.address,
        "balance": 0,
        "business_name": customer.business_name,
        "created": unix(customer.created),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": customer.description,
        "discount": None,
        "email": customer.email,
        "individual_name": customer.individual_name,
        "invoice_prefix": customer.invoice_prefix,
        "invoice_settings": {
            "custom_fields": settings["custom_fields"],
            "default_payment_method": settings["default_payment_method"],
            "footer": settings["footer"],
            "rendering_options": settings["rendering_options"],
        },
        "livemode": tenant.livemode,
        "metadata": customer.metadata,
        "name": customer.name,
        "next_invoice_sequence": 1,
        "phone": customer.phone,
        "preferred_locales": customer.preferred_locales,
        "shipping": customer.shipping,
        "tax_exempt": customer.tax_exempt,
        "test_clock": None,
    }
