"""Payment methods as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.contact import NO_BILLING_DETAILS
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods.domain.payment_method import PaymentMethod, networks_of


def view_payment_method(method: PaymentMethod, tenant: Tenant) -> wire.PaymentMethod:
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": method.allow_redisplay,
        "billing_details": method.billing_details or NO_BILLING_DETAILS,
        "card": _view_card(method),
        "created": unix(method.created),
        "customer": method.customer_id,
        "customer_account": None,
        "livemode": tenant.livemode,
        "metadata": method.metadata,
        "type": method.type,
    }


def _view_card(method: PaymentMethod) -> wire.PaymentMethodCard:
    card = method.instrument
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": card.checks.address_line1_check,
            "address_postal_code_check": card.checks.address_postal_code_check,
            "cvc_check": card.checks.cvc_check,
        },
        "country": card.country,
        "display_brand": card.display_brand,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {
            "available": list(networks_of(method)),
            "preferred": method.preferred_network,
        },
        "regulated_status": card.regulated_status,
        "three_d_secure_usage": {"supported": card.three_d_secure_supported},
        "wallet": None,
    }
