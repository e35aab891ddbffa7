"""An account: a merchant, in both of its modes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Refused

AccountStatus: TypeAlias = Literal["active", "suspended", "closed"]
BusinessType: TypeAlias = Literal["company", "government_entity", "individual", "non_profit"]


NOUN = "account"


@dataclass(frozen=True)
class Account:
    """`country` is an upper-case ISO 3166-1 code, `default_currency` a lower-case ISO 4217 one.
    `statement_descriptor` is what buyers find on their card statements. One that is suspended or
    closed keeps its data and is let in nowhere; a closed one stays so. `plan` is None where the
    default plan counts, whichever that is."""

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
    version: int = 1
    organization_id: str = ""
    plan: str | None = None


def with_status(account: Account, status: AccountStatus) -> Account:
    """The same account where nothing is to be done."""
    if account.status == status:
        return account
    if account.status == "closed":
        raise Refused("status_transition_invalid", f"The account {account.id} is closed, for good.")
    return replace(account, status=status)


def with_plan(account: Account, plan: str | None) -> Account:
    if account.status == "closed":
        raise Refused("status_transition_invalid", f"The account {account.id} is closed, for good.")
    return account if account.plan == plan else replace(account, plan=plan)
