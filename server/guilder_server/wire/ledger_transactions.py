# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import (
        Expand,
        Id,
        LedgerBulkItemParams,
        LedgerConditionParams,
        LedgerExchange,
        LedgerExchangeParams,
        LedgerPosting,
        LedgerPostingParams,
        Metadata,
        MetadataParams,
        RangeQuery,
    )

class CreateLedgerTransactionParams(TypedDict):
    conditions: NotRequired[list[LedgerConditionParams]]
    description: NotRequired[str]
    effective_at: NotRequired[int]
    exchange: NotRequired[LedgerExchangeParams]
    expand: NotRequired[Expand]
    expires_at: NotRequired[int]
    metadata: NotRequired[MetadataParams]
    postings: list[LedgerPostingParams]
    reference: NotRequired[str]
    status: NotRequired[Literal["pending", "posted"]]


class CreateLedgerTransactionsParams(TypedDict):
    atomic: NotRequired[bool]
    expand: NotRequired[Expand]
    transactions: list[LedgerBulkItemParams]


class LedgerTransaction(TypedDict):
    id: str
    object: Literal["ledger_transaction"]
    created: int
    description: str | None
    effective_at: int
    exchange: LedgerExchange | None
    expires_at: int | None
    livemode: bool
    metadata: Metadata
    postings: list[LedgerPosting]
    reference: str | None
    reversed: bool
    reverses: str | None
    source: str | None
    status: Literal["expired", "pending", "posted", "voided"]
    type: str


class LedgerTransactionList(TypedDict):
    object: Literal["list"]
    data: list[LedgerTransaction]
    has_more: bool
    url: str


class ListLedgerTransactionsParams(TypedDict):
    """List ledger transactions."""

    status: NotRequired[Literal["expired", "pending", "posted", "voided"]]
    reference: NotRequired[str]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class PostLedgerTransactionParams(TypedDict):
    amount: NotRequired[int]
    expand: NotRequired[Expand]


class RetrieveLedgerTransactionParams(TypedDict):
    """Retrieve a ledger transaction."""

    expand: NotRequired[Expand]


class ReverseLedgerTransactionParams(TypedDict):
    amount: NotRequired[int]
    description: NotRequired[str]
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    reference: NotRequired[str]


class VoidLedgerTransactionParams(TypedDict):
    expand: NotRequired[Expand]
