"""Accounts and keys as the wire shows them."""

from __future__ import annotations

from datetime import datetime

from guilder_server import wire
from guilder_server.kernel.actor import ActorKind
from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import ShownKey


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


class KeyView:
    """An API key; whether it has expired is seen as of now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, shown: ShownKey, tenant: Tenant) -> wire.ApiKey:
        key = shown.key
        view: wire.ApiKey = {
            "id": key.id,
            "object": "api_key",
            "allowed_addresses": list(key.allowed_addresses),
            "created": unix(key.created),
            "created_by": creator(key.created_by_type, key.created_by_id),
            "expires_at": _maybe(key.expires_at),
            "kind": key.kind,
            "last4": key.last4,
            "last_used_at": _maybe(shown.last_used_at),
            "livemode": tenant.livemode,
            "name": key.name,
            "permissions": None if key.grants is None else list(key.grants),
            "replaced_by": key.replaced_by,
            "revoked_at": _maybe(key.revoked_at),
            "status": key.status(self._clock.now()),
        }
        if shown.secret is not None:
            view["secret"] = shown.secret
        return view


def creator(type: ActorKind | None, id: str | None) -> wire.Creator | None:
    """Who made a credential; what was made before that was written down has none."""
    return None if type is None or id is None else {"id": id, "type": type}


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else unix(instant)
