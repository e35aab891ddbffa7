"""A wallet: money that is kept for somebody, on a ledger account of its own.

    open ⇄ frozen
      └──────┴──▶ closed, for good and empty

Out of a frozen wallet nothing goes, and nobody transfers to it. What its holder cannot stop still
happens to it: a payment that was under way arrives, a refund comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal, TypeAlias

from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import InvalidRequest, Refused

NOUN = "wallet"

Status: TypeAlias = Literal["open", "frozen", "closed"]


@dataclass(frozen=True)
class Limits:
    """How much may leave a wallet, in minor units: at once, in a day and in a month (UTC). None:
    any amount."""

    per_transfer: int | None = None
    per_day: int | None = None
    per_month: int | None = None

    @property
    def any(self) -> bool:
        return (self.per_transfer, self.per_day, self.per_month) != (None, None, None)


@dataclass(frozen=True)
class Wallet:
    """`floor` is the least balance that it may be left with: zero, or less where its holder may
    owe. `ledger_account_id` is the account that its money is on."""

    id: str
    version: int
    created: datetime
    status: Status
    currency: str
    floor: int
    ledger_account_id: str
    customer_id: str | None = None
    name: str | None = None
    limits: Limits = field(default_factory=Limits)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Purse:
    """A wallet with what is in it: its balance, and how much of that is held."""

    wallet: Wallet
    balance: int
    held: int

    @property
    def id(self) -> str:
        return self.wallet.id

    @property
    def version(self) -> int:
        return self.wallet.version

    @property
    def available(self) -> int:
        """What may leave it at most."""
        return self.balance - self.held - self.wallet.floor


def refuse_closed(wallet: Wallet, param: str) -> None:
    if wallet.status == "closed":
        raise Refused("wallet_closed", f"The wallet {wallet.id} is closed.", param)


def refuse_unfit(wallet: Wallet, param: str) -> None:
    """Raise unless money may be moved out of it, or into it by somebody's wish."""
    refuse_closed(wallet, param)
    if wallet.status == "frozen":
        raise Refused(
            "wallet_frozen",
            f"The wallet {wallet.id} is frozen. Open it first, with status=open.",
            param,
        )


def refuse_currency(wallet: Wallet, currency: str, param: str) -> None:
    if wallet.currency != currency:
        raise Refused(
            "wallet_currency_mismatch",
            f"The wallet {wallet.id} is in {wallet.currency}, the money in {currency}.",
            param,
        )


def refuse_too_much(wallet: Wallet, amount: int, param: str) -> None:
    """Raise where `amount` is more than may leave the wallet at once."""
    most = wallet.limits.per_transfer
    if most is not None and amount > most:
        raise limit_reached(wallet, "at once", most, param)


def limit_reached(wallet: Wallet, when: str, most: int, param: str) -> Refused:
    return Refused(
        "wallet_limit_exceeded",
        f"No more than {display(most, wallet.currency)} may leave the wallet {when}. Nothing was "
        "moved.",
        param,
    )


def refuse_contradictions(limits: Limits) -> None:
    """Raise where a shorter time allows more than a longer one."""
    order = ("per_transfer", "per_day", "per_month")
    given = [(name, getattr(limits, name)) for name in order if getattr(limits, name) is not None]
    for (shorter, less), (longer, more) in pairwise(given):
        if less > more:
            raise InvalidRequest(
                "parameter_invalid",
                f"{shorter} allows {less}, more than {longer} with {more}. Raise {longer}, or "
                f"lower {shorter}.",
                f"limits[{shorter}]",
            )
