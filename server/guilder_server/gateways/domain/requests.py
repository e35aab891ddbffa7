"""What is asked of a gateway. Each request carries our attempt id: sent twice under the same
id, it is carried out once.

A request is kept with its attempt so that it can be asked about, or sent again, by another
process later. It therefore never holds a card number or a CVC, only the instrument's token.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from guilder_server.gateways.domain.outcomes import NOTHING_GIVEN, Checks
from guilder_server.kernel.money import Money

Kind: TypeAlias = Literal["authorize", "capture", "void", "refund", "increment", "pay_out"]
Method: TypeAlias = Literal["standard", "instant"]
ThreeDSecureWish: TypeAlias = Literal["automatic", "any", "challenge"]
Authentication: TypeAlias = Literal["none", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """Hold `money` on the card, and take it at once if `capture`.

    `instrument` is the gateway's token of the card. `set_up` says that the customer has agreed
    before to later payments without them. `checks` are the instrument's: a detail that is not
    None there was given, and the issuer can check it. `authentication` is how the customer's
    authentication ended, if one was required earlier.
    """

    kind: ClassVar[Kind] = "authorize"

    attempt_id: str
    made_at: datetime
    money: Money
    instrument: str
    capture: bool
    off_session: bool = False
    set_up: bool = False
    three_d_secure: ThreeDSecureWish = "automatic"
    authentication: Authentication = "none"
    return_url: str | None = None
    checks: Checks = NOTHING_GIVEN
    statement_descriptor: str | None = None


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """Take `money` of what `reference` holds. With `final` the rest of the hold is released."""

    kind: ClassVar[Kind] = "capture"

    attempt_id: str
    made_at: datetime
    money: Money
    instrument: str
    reference: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class VoidRequest:
    """Release what `reference` still holds; `money` says how much that is."""

    kind: ClassVar[Kind] = "void"

    attempt_id: str
    made_at: datetime
    money: Money
    instrument: str
    reference: str


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Give `money` back of what was taken under the authorization `reference`."""

    kind: ClassVar[Kind] = "refund"

    attempt_id: str
    made_at: datetime
    money: Money
    instrument: str
    reference: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IncrementRequest:
    """Raise the hold `reference` so that it is `money` in all."""

    kind: ClassVar[Kind] = "increment"

    attempt_id: str
    made_at: datetime
    money: Money
    instrument: str
    reference: str


@dataclass(frozen=True, slots=True)
class PayOutRequest:
    """Send `money` to the bank account `destination`, a token of the gateway; None: the one that
    the gateway has for the merchant."""

    kind: ClassVar[Kind] = "pay_out"

    attempt_id: str
    made_at: datetime
    money: Money
    destination: str | None = None
    method: Method = "standard"
    statement_descriptor: str | None = None


Request: TypeAlias = (
    AuthorizeRequest
    | CaptureRequest
    | VoidRequest
    | RefundRequest
    | IncrementRequest
    | PayOutRequest
)
# What is asked about money on a card, and about money that goes to a bank.
CARD_KINDS: tuple[Kind, ...] = ("authorize", "capture", "void", "refund", "increment")
PAYOUT_KINDS: tuple[Kind, ...] = ("pay_out",)

_KINDS: dict[Kind, type[Request]] = {
    "authorize": AuthorizeRequest,
    "capture": CaptureRequest,
    "void": VoidRequest,
    "refund": RefundRequest,
    "increment": IncrementRequest,
    "pay_out": PayOutRequest,
}
# These have columns of their own beside the stored request.
_APART = frozenset({"attempt_id", "made_at", "money"})
_PARTICULARS = {
    kind: [(field.name, field.default) for field in fields(cls) if field.name not in _APART]
    for kind, cls in _KINDS.items()
}


def stored(request: Request) -> dict[str, Any]:
    """The request's own particulars as JSON; id, time and money are the attempt's columns.

    What a request leaves at its default is left out. The defaults must therefore never change.
    """
    kept = {
        name: value
        for name, default in _PARTICULARS[request.kind]
        if (value := getattr(request, name)) != default
    }
    if "checks" in kept:
        kept["checks"] = kept["checks"].given()
    return kept


def restored(
    kind: Kind, attempt_id: str, made_at: datetime, money: Money, particulars: dict[str, Any]
) -> Request:
    """The request that `stored` took apart. Particulars of a newer release are left out."""
    known = {name for name, _ in _PARTICULARS[kind]}
    rest = {name: value for name, value in particulars.items() if name in known}
    if "checks" in rest:
        rest["checks"] = Checks(**rest["checks"])
    return _KINDS[kind](attempt_id=attempt_id, made_at=made_at, money=money, **rest)
