# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Any, Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.charges import Charge
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.ledger_accounts import LedgerAccount
    from guilder_server.wire.ledger_transactions import LedgerTransaction
    from guilder_server.wire.payment_intents import PaymentIntent
    from guilder_server.wire.payment_methods import PaymentMethod
    from guilder_server.wire.payouts import Payout
    from guilder_server.wire.refunds import Refund
    from guilder_server.wire.shared import Expand, Id, RangeQuery
    from guilder_server.wire.usage import UsageNotice
    from guilder_server.wire.wallets import Wallet, WalletHold, WalletTopUp, WalletTransfer
    from guilder_server.wire.webhook_endpoints import WebhookEndpoint

EventObject: TypeAlias = 'PaymentIntent | Charge | Refund | Payout | Customer | PaymentMethod | WebhookEndpoint | LedgerAccount | LedgerTransaction | Wallet | WalletHold | WalletTopUp | WalletTransfer | UsageNotice'

EventPreviousAttributes: TypeAlias = dict[str, Any]

EventType: TypeAlias = Literal[
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "ledger.account.created",
    "ledger.account.updated",
    "ledger.transaction.expired",
    "ledger.transaction.pending",
    "ledger.transaction.posted",
    "ledger.transaction.voided",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "usage.quota_reached",
    "wallet.created",
    "wallet.updated",
    "wallet_hold.captured",
    "wallet_hold.created",
    "wallet_hold.expired",
    "wallet_hold.released",
    "wallet_top_up.failed",
    "wallet_top_up.restored",
    "wallet_top_up.reversed",
    "wallet_top_up.succeeded",
    "wallet_transfer.created",
    "webhook_endpoint.disabled",
    "webhook_endpoint.test",
]


class Event(TypedDict):
    id: str
    object: Literal["event"]
    api_version: str | None
    created: int
    data: EventData
    livemode: bool
    pending_webhooks: int
    request: EventRequest | None
    sequence: int
    type: EventType


class EventData(TypedDict):
    object: EventObject
    previous_attributes: NotRequired[EventPreviousAttributes]


class EventList(TypedDict):
    object: Literal["list"]
    data: list[Event]
    has_more: bool
    url: str


class EventRequest(TypedDict):
    id: str | None
    idempotency_key: str | None


class ListEventsParams(TypedDict):
    """List events."""

    type: NotRequired[str]
    types: NotRequired[list[str]]
    delivery_success: NotRequired[bool]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveEventParams(TypedDict):
    """Retrieve an event."""

    expand: NotRequired[Expand]
