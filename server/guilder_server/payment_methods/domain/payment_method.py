"""A payment method: a card that may be paid with, kept without its number.

    new ──attach──▶ attached ──detach──▶ spent
     │
     └──pay without a customer──▶ spent

A spent one stays readable for the payments that name it, and is never used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from guilder_server.gateways import Instrument
from guilder_server.kernel import contact, metadata
from guilder_server.kernel.contact import BillingDetails
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, Refused

AllowRedisplay: TypeAlias = Literal["always", "limited", "unspecified"]


@dataclass(frozen=True)
class PaymentMethod:
    """`instrument.token` is what a gateway is given. `spent` says that it
    was detached from a customer, or paid with while it had none. `set_up` says that the customer
    has agreed to payments without them, and met their bank for it where that was wanted."""

    id: str
    version: int
    created: datetime
    instrument: Instrument
    preferred_network: str | None = None
    customer_id: str | None = None
    spent: bool = False
    set_up: bool = False
    allow_redisplay: AllowRedisplay = "unspecified"
    billing_details: BillingDetails | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> Literal["card"]:
        return "card"


def attached(method: PaymentMethod, customer_id: str) -> PaymentMethod:
    if method.customer_id is not None:
        raise _unexpected(f"{method.id} is on file already. Detach it from its customer first.")
    if method.spent:
        raise _unexpected(
            f"{method.id} is spent: it was paid with while it had no customer, or was detached "
            "from one. Collect the card again."
        )
    return replace(method, customer_id=customer_id)


def detached(method: PaymentMethod) -> PaymentMethod:
    if method.customer_id is None:
        raise _unexpected(f"{method.id} is on no customer's file, so it cannot be detached.")
    return replace(method, customer_id=None, spent=True)


def spent(method: PaymentMethod) -> PaymentMethod:
    """After a payment: without a customer to keep it, it was good for that payment alone."""
    return method if method.customer_id or method.spent else replace(method, spent=True)


def refuse_use(
    method: PaymentMethod, customer_id: str | None, param: str = "payment_method"
) -> None:
    """Raises what forbids a payment of `customer_id` (or of nobody known) with this method."""
    if method.spent:
        raise _unexpected(
            f"{method.id} is spent: it was paid with while it had no customer, or was detached "
            "from one. Collect the card again; to pay with it more than once, attach it to a "
            "customer first.",
            param,
        )
    if method.customer_id is None or method.customer_id == customer_id:
        return
    if customer_id is None:
        raise _unexpected(
            # A browser may ask with a card's id alone: whose it is, it is not told.
            f"{method.id} is on a customer's file. Name that customer in `customer` to pay with "
            "it.",
            param,
        )
    raise not_of_customer(method.id, param)


def not_of_customer(id: str, param: str) -> Refused:
    return Refused(
        "resource_missing",
        f"{id} is not on this customer's file. Attach it to the customer first.",
        param,
    )


def described(
    method: PaymentMethod, given: Mapping[str, Any], param: str | None = None
) -> PaymentMethod:
    """The method after a request that says `given`, which stands inside `param` if that is
    named; the card itself is left alone."""
    billing = method.billing_details
    if given.get("billing_details"):
        place = within(param, "billing_details")
        billing = contact.billing_details_from(given["billing_details"], billing, place)
    return replace(
        method,
        preferred_network=_preferred_network(method, given, within(param, "card")),
        allow_redisplay=given.get("allow_redisplay", method.allow_redisplay),
        billing_details=None if billing == contact.NO_BILLING_DETAILS else billing,
        metadata=metadata.merge(method.metadata, given.get("metadata"), within(param, "metadata")),
    )


def networks_of(method: PaymentMethod) -> tuple[str, ...]:
    """The networks that the card can be charged over."""
    return method.instrument.networks or (method.instrument.brand,)


def with_checks(method: PaymentMethod) -> PaymentMethod:
    """The parts of the address that an issuer may check, and so far has not."""
    billing = method.billing_details
    if billing is None:
        return method
    checks = replace(
        method.instrument.checks,
        address_line1_check="unchecked" if billing["address"]["line1"] else None,
        address_postal_code_check="unchecked" if billing["address"]["postal_code"] else None,
    )
    return replace(method, instrument=replace(method.instrument, checks=checks))


def updated(method: PaymentMethod, given: Mapping[str, Any], now: datetime) -> PaymentMethod:
    """An update needs a customer: before that, whoever has the card sends it again."""
    if method.customer_id is None:
        raise _unexpected(
            f"{method.id} is on no customer's file. Attach it to a customer, then update it."
        )
    sent = given.get("card") or {}
    month = sent.get("exp_month", method.instrument.exp_month)
    year = sent.get("exp_year", method.instrument.exp_year)
    if sent.keys() & {"exp_month", "exp_year"}:
        _refuse_expiry(month, year, now)
    instrument = replace(method.instrument, exp_month=month, exp_year=year)
    return described(replace(method, instrument=instrument), given)


def within(param: str | None, name: str) -> str:
    """How the form writes the parameter `name` that stands inside `param`."""
    return f"{param}[{name}]" if param else name


def _preferred_network(method: PaymentMethod, given: Mapping[str, Any], param: str) -> str | None:
    networks = (given.get("card") or {}).get("networks") or {}
    preferred = contact.text(networks, "preferred", method.preferred_network)
    if preferred is not None and preferred not in networks_of(method):
        raise InvalidRequest(
            "parameter_invalid",
            f"The card cannot be charged over {preferred}; its networks are: "
            f"{', '.join(networks_of(method))}.",
            f"{param}[networks][preferred]",
        )
    return preferred


def _refuse_expiry(month: int, year: int, now: datetime) -> None:
    if not 1 <= month <= 12:
        raise InvalidRequest(
            "invalid_expiry_month", "Your card's expiration month is invalid.", "card[exp_month]"
        )
    if not now.year <= year <= now.year + 50:
        raise InvalidRequest(
            "invalid_expiry_year", "Your card's expiration year is invalid.", "card[exp_year]"
        )


def _unexpected(message: str, param: str | None = None) -> Refused:
    return Refused("payment_method_unexpected_state", message, param)
