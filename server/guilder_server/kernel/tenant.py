"""Who a request acts for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """One account in one mode: the unit that shares nothing with any other.

    `id` starts every primary key; `account` is the public id (`acct_…`).
    """

    id: int
    account: str
    livemode: bool
