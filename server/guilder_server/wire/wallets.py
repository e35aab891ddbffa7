# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.customers import Customer
    from guilder_server.wire.shared import (
        CurrencyCode,
        DeletedCustomer,
        Expand,
        Id,
        Metadata,
        MetadataParams,
    )

WalletHoldStatus: TypeAlias = Literal["captured", "expired", "held", "released"]

WalletStatus: TypeAlias = Literal["closed", "frozen", "open"]

WalletTransactionType: TypeAlias = Literal[
    "payment",
    "refund",
    "top_up",
    "top_up_reversal",
    "transfer",
    "withdrawal",
    "withdrawal_failure",
]


class CaptureWalletHoldParams(TypedDict):
    amount: NotRequired[int]
    expand: NotRequired[Expand]
    final_capture: NotRequired[bool]


class CreateWalletHoldParams(TypedDict):
    amount: int
    description: NotRequired[str]
    destination: NotRequired[Id]
    expand: NotRequired[Expand]
    expires_at: NotRequired[int]
    metadata: NotRequired[MetadataParams]


class CreateWalletParams(TypedDict):
    currency: CurrencyCode
    customer: NotRequired[Id]
    expand: NotRequired[Expand]
    floor: NotRequired[int]
    limits: NotRequired[WalletLimitsParams]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]


class CreateWalletTransferParams(TypedDict):
    amount: int
    description: NotRequired[str]
    destination: Id
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]


class ListWalletHoldsParams(TypedDict):
    """List the holds on a wallet."""

    status: NotRequired[WalletHoldStatus]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWalletTopUpsParams(TypedDict):
    """List the top-ups of a wallet."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWalletTransactionsParams(TypedDict):
    """List the transactions of a wallet."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWalletTransfersParams(TypedDict):
    """List the transfers from a wallet."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListWalletsParams(TypedDict):
    """List wallets."""

    customer: NotRequired[Id]
    currency: NotRequired[CurrencyCode]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ReleaseWalletHoldParams(TypedDict):
    expand: NotRequired[Expand]


class RetrieveWalletHoldParams(TypedDict):
    """Retrieve a wallet hold."""

    expand: NotRequired[Expand]


class RetrieveWalletParams(TypedDict):
    """Retrieve a wallet."""

    expand: NotRequired[Expand]


class RetrieveWalletStatementParams(TypedDict):
    """Retrieve the statement of a wallet."""

    interval_start: int
    interval_end: int
    format: NotRequired[Literal["json", "csv"]]


class RetrieveWalletTopUpParams(TypedDict):
    """Retrieve a wallet top-up."""

    expand: NotRequired[Expand]


class RetrieveWalletTransferParams(TypedDict):
    """Retrieve a wallet transfer."""

    expand: NotRequired[Expand]


class UpdateWalletParams(TypedDict):
    expand: NotRequired[Expand]
    limits: NotRequired[WalletLimitsParams | Literal[""]]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    status: NotRequired[WalletStatus]


class Wallet(TypedDict):
    id: str
    object: Literal["wallet"]
    available: int
    balance: int
    created: int
    currency: str
    customer: str | Customer | DeletedCustomer | None
    floor: int
    held: int
    ledger_account: str
    limits: WalletLimits
    livemode: bool
    metadata: Metadata
    name: str | None
    status: WalletStatus


class WalletHold(TypedDict):
    id: str
    object: Literal["wallet_hold"]
    amount: int
    amount_captured: int
    amount_held: int
    created: int
    currency: str
    description: str | None
    destination: str | None
    expires_at: int | None
    livemode: bool
    metadata: Metadata
    payment_intent: str | None
    status: WalletHoldStatus
    wallet: str


class WalletHoldList(TypedDict):
    object: Literal["list"]
    data: list[WalletHold]
    has_more: bool
    url: str


class WalletLimits(TypedDict):
    """How much may leave the wallet: transfers, payments, withdrawals, and what is held. Days
    and months are those of UTC.
    """

    per_day: int | None
    per_month: int | None
    per_transfer: int | None


class WalletLimitsParams(TypedDict):
    per_day: NotRequired[int | Literal[""]]
    per_month: NotRequired[int | Literal[""]]
    per_transfer: NotRequired[int | Literal[""]]


class WalletList(TypedDict):
    object: Literal["list"]
    data: list[Wallet]
    has_more: bool
    url: str


class WalletStatement(TypedDict):
    object: Literal["wallet_statement"]
    closing_balance: int
    currency: str
    customer: str | None
    data: list[WalletStatementLine]
    interval_end: int
    interval_start: int
    money_in: int
    money_out: int
    name: str | None
    opening_balance: int
    transactions: int
    wallet: str


class WalletStatementLine(TypedDict):
    id: str
    amount: int
    balance: int
    created: int
    description: str | None
    ledger_transaction: str
    type: WalletTransactionType


class WalletTopUp(TypedDict):
    id: str
    object: Literal["wallet_top_up"]
    amount: int
    amount_reversed: int
    charge: str
    created: int
    currency: str
    livemode: bool
    payment_intent: str
    status: Literal["failed", "reversed", "succeeded"]
    wallet: str


class WalletTopUpList(TypedDict):
    object: Literal["list"]
    data: list[WalletTopUp]
    has_more: bool
    url: str


class WalletTransaction(TypedDict):
    id: str
    object: Literal["wallet_transaction"]
    amount: int
    balance: int
    created: int
    currency: str
    description: str | None
    ledger_transaction: str
    livemode: bool
    source: str
    type: WalletTransactionType
    wallet: str


class WalletTransactionList(TypedDict):
    object: Literal["list"]
    data: list[WalletTransaction]
    has_more: bool
    url: str


class WalletTransfer(TypedDict):
    id: str
    object: Literal["wallet_transfer"]
    amount: int
    created: int
    currency: str
    description: str | None
    destination: str
    ledger_transaction: str
    livemode: bool
    metadata: Metadata
    wallet: str


class WalletTransferList(TypedDict):
    object: Literal["list"]
    data: list[WalletTransfer]
    has_more: bool
    url: str
