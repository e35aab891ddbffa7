# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.charges import Charge
    from guilder_server.wire.payouts import Payout
    from guilder_server.wire.refunds import Refund
    from guilder_server.wire.shared import CurrencyCode, Expand, Id, MinorUnits, RangeQuery

BalanceTransactionType: TypeAlias = Literal[
    "adjustment",
    "charge",
    "payment",
    "payment_failure_refund",
    "payment_refund",
    "payout_failure",
    "refund",
    "refund_failure",
    "stripe_fee",
    "transfer",
    "transfer_refund",
]


class Balance(TypedDict):
    object: Literal["balance"]
    available: list[BalanceAmount]
    livemode: bool
    pending: list[BalanceAmount]


class BalanceAmount(TypedDict):
    amount: MinorUnits
    currency: str
    source_types: BalanceSourceTypes


class BalanceSourceTypes(TypedDict):
    """The amount by the kind of payment method it came from."""

    card: MinorUnits


class BalanceTransaction(TypedDict):
    id: str
    object: Literal["balance_transaction"]
    amount: MinorUnits
    available_on: int
    balance_type: Literal["payments"]
    created: int
    currency: str
    description: str | None
    exchange_rate: float | None
    fee: MinorUnits
    fee_details: list[BalanceTransactionFee]
    net: MinorUnits
    reporting_category: str
    source: str | Charge | Refund | Payout | None
    status: Literal["available", "pending"]
    type: BalanceTransactionType


class BalanceTransactionFee(TypedDict):
    amount: MinorUnits
    application: None
    currency: str
    description: str | None
    type: Literal["application_fee", "payment_method_passthrough_fee", "stripe_fee", "tax"]


class BalanceTransactionList(TypedDict):
    object: Literal["list"]
    data: list[BalanceTransaction]
    has_more: bool
    url: str


class ListBalanceTransactionsParams(TypedDict):
    """List balance transactions."""

    currency: NotRequired[CurrencyCode]
    source: NotRequired[Id]
    type: NotRequired[BalanceTransactionType]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveBalanceParams(TypedDict):
    """Retrieve the balance."""

    expand: NotRequired[Expand]


class RetrieveBalanceTransactionParams(TypedDict):
    """Retrieve a balance transaction."""

    expand: NotRequired[Expand]
