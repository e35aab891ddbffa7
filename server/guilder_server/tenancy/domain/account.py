"""An account: a merchant, in both of its modes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

AccountStatus: TypeAlias = Literal["active", "suspended", "closed"]
BusinessType: TypeAlias = Literal["company", "government_entity", "individual", "non_profit"]


@dataclass(frozen=True, slots=True)
class Account:
    """`country` is an upper-case ISO 3166-1 code, `default_currency` a lower-case ISO 4217 one.
    `statement_descriptor` is what buyers find on their card statements. One that is suspended or
    closed keeps its data and is let in nowhere; a closed one stays so."""

    id: str
    created: datetime
    country: str
    default_currency: str
    name: str | None = None
    email: str | None = None
    url: str | None = None
    business_type: BusinessType | None = None
    statement_descriptor: str | None = None
    timezone: str = "Etc/UTC"
    metadata: dict[str, str] = field(default_factory=dict)
    status: AccountStatus = "active"
