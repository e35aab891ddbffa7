"""Who and where: addresses, shipping and billing details in the shape that the wire gives
them, since nothing is ever computed from them.

Each `…_from` takes what a request says and what is there now. A part that is not sent stays
as it is, and an empty string unsets one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from guilder_server.kernel.errors import InvalidRequest

# Whether a mailbox exists only a letter to it can tell; this refuses what cannot be one.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Address(TypedDict):
    city: str | None
    country: str | None
    line1: str | None
    line2: str | None
    postal_code: str | None
    state: str | None


class Shipping(TypedDict):
    address: Address
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


class BillingDetails(TypedDict):
    address: Address
    email: str | None
    name: str | None
    phone: str | None
    tax_id: str | None


NO_ADDRESS = Address(city=None, country=None, line1=None, line2=None, postal_code=None, state=None)
NO_BILLING_DETAILS = BillingDetails(
    address=NO_ADDRESS, email=None, name=None, phone=None, tax_id=None
)


def text(given: Mapping[str, Any], name: str, current: str | None = None) -> str | None:
    """The text that `given` sets, None where it says to unset it, else the current one."""
    if name not in given:
        return current
    return given[name] or None


def email(
    given: Mapping[str, Any], name: str, param: str, current: str | None = None
) -> str | None:
    """As `text`, and it must look like an email address."""
    value = text(given, name, current)
    if value is not None and name in given and not _EMAIL.fullmatch(value):
        raise InvalidRequest("email_invalid", f"Invalid email address: {value}", param)
    return value


def address_from(given: Mapping[str, Any], current: Address | None = None) -> Address:
    now = current or NO_ADDRESS
    return Address(
        city=text(given, "city", now["city"]),
        country=text(given, "country", now["country"]),
        line1=text(given, "line1", now["line1"]),
        line2=text(given, "line2", now["line2"]),
        postal_code=text(given, "postal_code", now["postal_code"]),
        state=text(given, "state", now["state"]),
    )


def shipping_from(given: Mapping[str, Any]) -> Shipping:
    """Shipping is sent whole, as its address and its name are always required."""
    return Shipping(
        address=address_from(given["address"]),
        carrier=text(given, "carrier"),
        name=text(given, "name"),
        phone=text(given, "phone"),
        tracking_number=text(given, "tracking_number"),
    )


def billing_details_from(
    given: Mapping[str, Any],
    current: BillingDetails | None = None,
    param: str = "billing_details",
) -> BillingDetails:
    now = current or NO_BILLING_DETAILS
    address = now["address"]
    if "address" in given:
        address = address_from(given["address"], address) if given["address"] else NO_ADDRESS
    return BillingDetails(
        address=address,
        email=email(given, "email", f"{param}[email]", now["email"]),
        name=text(given, "name", now["name"]),
        phone=text(given, "phone", now["phone"]),
        tax_id=text(given, "tax_id", now["tax_id"]),
    )
