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

    @property
    def of_operator(self) -> bool:
        return self.id == 0


# Whoever runs the server, as far as they act over HTTP: no account is behind it.
OPERATOR = Tenant(0, "operator", livemode=True)
