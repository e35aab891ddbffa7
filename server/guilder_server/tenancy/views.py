"""Accounts as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import Account


def view_account(account: Account, _tenant: Tenant) -> wire.Account:
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {
            "mcc": None,
            "name": account.name,
            "product_description": None,
            "support_address": None,
            "support_email": account.email,
            "support_phone": None,
            "support_url": account.url,
            "url": account.url,
        },
        "business_type": account.business_type,
        "capabilities": {"card_payments": "active"},
        "charges_enabled": True,
        "country": account.country,
        "created": unix(account.created),
        "default_currency": account.default_currency,
        "details_submitted": True,
        "email": account.email,
        "metadata": account.metadata,
        # Money reaches the balance; there is no operation yet that pays it out.
        "payouts_enabled": False,
        "settings": _settings(account),
        "type": "standard",
    }


def _settings(account: Account) -> wire.AccountSettings:
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": account.name, "timezone": account.timezone},
        "payments": {
            "statement_descriptor": account.statement_descriptor,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
    }
