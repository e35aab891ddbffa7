# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.balance import BalanceTransaction
    from guilder_server.wire.shared import (
        CurrencyCode,
        Expand,
        Id,
        Metadata,
        MetadataParams,
        MinorUnits,
        RangeQuery,
    )

PayoutMethod: TypeAlias = Literal["instant", "standard"]

PayoutStatus: TypeAlias = Literal["canceled", "failed", "in_transit", "paid", "pending"]


class CancelPayoutParams(TypedDict):
    expand: NotRequired[Expand]


class CreatePayoutParams(TypedDict):
    amount: int
    currency: CurrencyCode
    description: NotRequired[str]
    destination: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    method: NotRequired[PayoutMethod]
    statement_descriptor: NotRequired[str]
    wallet: NotRequired[Id]


class ListPayoutsParams(TypedDict):
    """List payouts."""

    status: NotRequired[PayoutStatus]
    wallet: NotRequired[Id]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class Payout(TypedDict):
    id: str
    object: Literal["payout"]
    amount: MinorUnits
    application_fee: None
    application_fee_amount: None
    arrival_date: int
    automatic: Literal[False]
    balance_transaction: None
    created: int
    currency: str
    description: str | None
    destination: str | None
    failure_balance_transaction: str | BalanceTransaction | None
    failure_code: str | None
    failure_message: str | None
    livemode: bool
    metadata: Metadata
    method: PayoutMethod
    original_payout: None
    payout_method: None
    reconciliation_status: Literal["not_applicable"]
    reversed_by: None
    source_type: Literal["card"]
    statement_descriptor: str | None
    status: PayoutStatus
    trace_id: None
    type: Literal["bank_account"]
    wallet: str


class PayoutList(TypedDict):
    object: Literal["list"]
    data: list[Payout]
    has_more: bool
    url: str


class RetrievePayoutParams(TypedDict):
    """Retrieve a payout."""

    expand: NotRequired[Expand]


class UpdatePayoutParams(TypedDict):
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
