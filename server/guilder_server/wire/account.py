# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Address, Expand, Metadata

class Account(TypedDict):
    id: str
    object: Literal["account"]
    business_profile: AccountBusinessProfile | None
    business_type: Literal["company", "government_entity", "individual", "non_profit"] | None
    capabilities: AccountCapabilities
    charges_enabled: bool
    country: str
    created: int
    default_currency: str
    details_submitted: bool
    email: str | None
    metadata: Metadata
    payouts_enabled: bool
    settings: AccountSettings
    type: Literal["custom", "express", "none", "standard"]


class AccountBranding(TypedDict):
    icon: None
    logo: None
    primary_color: str | None
    secondary_color: str | None


class AccountBusinessProfile(TypedDict):
    mcc: str | None
    name: str | None
    product_description: str | None
    support_address: Address | None
    support_email: str | None
    support_phone: str | None
    support_url: str | None
    url: str | None


class AccountCapabilities(TypedDict):
    card_payments: Literal["active", "inactive", "pending"]


class AccountCardPayments(TypedDict):
    decline_on: AccountDeclineOn
    statement_descriptor_prefix: str | None
    statement_descriptor_prefix_kana: None
    statement_descriptor_prefix_kanji: None


class AccountDashboard(TypedDict):
    display_name: str | None
    timezone: str | None


class AccountDeclineOn(TypedDict):
    avs_failure: bool
    cvc_failure: bool


class AccountPayments(TypedDict):
    statement_descriptor: str | None
    statement_descriptor_kana: None
    statement_descriptor_kanji: None


class AccountSettings(TypedDict):
    branding: AccountBranding
    card_payments: AccountCardPayments
    dashboard: AccountDashboard
    payments: AccountPayments


class RetrieveAccountParams(TypedDict):
    """Retrieve the account."""

    expand: NotRequired[Expand]
