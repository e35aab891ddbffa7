# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.balance import BalanceTransaction
    from guilder_server.wire.charges import Charge
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.payment_intents import PaymentIntent
    from guilder_server.wire.payment_methods import PaymentMethod
    from guilder_server.wire.shared import (
        DeletedCustomer,
        Expand,
        Id,
        Metadata,
        MetadataParams,
        MinorUnits,
        RangeQuery,
    )

RefundReason: TypeAlias = Literal[
    "duplicate",
    "expired_uncaptured_charge",
    "fraudulent",
    "requested_by_customer",
]

RefundStatus: TypeAlias = Literal["canceled", "failed", "pending", "requires_action", "succeeded"]


class CancelRefundParams(TypedDict):
    expand: NotRequired[Expand]


class CreateRefundParams(TypedDict):
    """Exactly one of `charge` and `payment_intent`, or both where they belong together."""

    amount: NotRequired[MinorUnits]
    charge: NotRequired[Id]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    payment_intent: NotRequired[Id]
    reason: NotRequired[Literal["duplicate", "fraudulent", "requested_by_customer"]]


class ListRefundsParams(TypedDict):
    """List refunds."""

    charge: NotRequired[Id]
    payment_intent: NotRequired[Id]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class Refund(TypedDict):
    id: str
    object: Literal["refund"]
    amount: MinorUnits
    balance_transaction: str | BalanceTransaction | None
    charge: str | Charge | None
    created: int
    currency: str
    customer: str | Customer | DeletedCustomer | None
    customer_account: None
    destination_details: RefundDestinationDetails | None
    failure_balance_transaction: NotRequired[str | BalanceTransaction | None]
    failure_reason: NotRequired[str]
    metadata: Metadata
    payment_intent: str | PaymentIntent | None
    payment_method: str | PaymentMethod | None
    pending_reason: NotRequired[Literal["charge_pending", "insufficient_funds", "processing"]]
    reason: RefundReason | None
    receipt_number: str | None
    source_transfer_reversal: None
    status: RefundStatus
    transfer_reversal: None


class RefundCardDetails(TypedDict):
    reference: NotRequired[str]
    reference_status: NotRequired[Literal["available", "pending", "unavailable"]]
    reference_type: NotRequired[str]
    type: Literal["pending", "refund", "reversal"]


class RefundCustomerCashBalance(TypedDict):
    pass


class RefundDestinationDetails(TypedDict):
    card: NotRequired[RefundCardDetails]
    customer_cash_balance: NotRequired[RefundCustomerCashBalance]
    type: Literal["card", "customer_cash_balance"]


class RefundList(TypedDict):
    object: Literal["list"]
    data: list[Refund]
    has_more: bool
    url: str


class RetrieveRefundParams(TypedDict):
    """Retrieve a refund."""

    expand: NotRequired[Expand]


class UpdateRefundParams(TypedDict):
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
