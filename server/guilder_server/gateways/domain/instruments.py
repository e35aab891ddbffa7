"""An instrument: what is kept of a card once its number is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from guilder_server.gateways.domain.outcomes import NOTHING_GIVEN, Checks

Brand: TypeAlias = Literal[
    "amex", "diners", "discover", "jcb", "mastercard", "unionpay", "visa", "unknown"
]
DisplayBrand: TypeAlias = Literal[
    "american_express",
    "diners_club",
    "discover",
    "jcb",
    "mastercard",
    "union_pay",
    "visa",
    "other",
]
Funding: TypeAlias = Literal["credit", "debit", "prepaid", "unknown"]

DISPLAY_BRANDS: dict[Brand, DisplayBrand] = {
    "amex": "american_express",
    "diners": "diners_club",
    "discover": "discover",
    "jcb": "jcb",
    "mastercard": "mastercard",
    "unionpay": "union_pay",
    "visa": "visa",
    "unknown": "other",
}


@dataclass(frozen=True)
class Instrument:
    """A card as a payment method keeps it.

    `token` is the gateway's own word for the card, opaque to everybody else. The fingerprint
    tells that two instruments are the same card without telling which card. `checks` are
    `unchecked` where a detail was given and no issuer has seen it yet.
    """

    token: str
    brand: Brand
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: Funding = "credit"
    country: str = "US"
    networks: tuple[str, ...] = ()
    checks: Checks = NOTHING_GIVEN
    three_d_secure_supported: bool = True
    regulated_status: Literal["regulated", "unregulated"] = "unregulated"

    @property
    def display_brand(self) -> DisplayBrand:
        return DISPLAY_BRANDS[self.brand]
