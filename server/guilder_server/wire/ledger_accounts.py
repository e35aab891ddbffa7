# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import (
        CurrencyCode,
        Expand,
        Id,
        LedgerCode,
        LedgerSide,
        Metadata,
        MetadataParams,
    )

class CreateLedgerAccountParams(TypedDict):
    ceiling: NotRequired[int]
    code: LedgerCode
    currency: CurrencyCode
    expand: NotRequired[Expand]
    floor: NotRequired[int]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    normal_side: LedgerSide


class LedgerAccount(TypedDict):
    id: str
    object: Literal["ledger_account"]
    available: int
    balance: int
    ceiling: int | None
    code: str
    created: int
    currency: str
    entries: int
    floor: int | None
    held_credits: int
    held_debits: int
    livemode: bool
    metadata: Metadata
    name: str | None
    normal_side: LedgerSide
    status: Literal["closed", "frozen", "open"]
    system: bool


class LedgerAccountList(TypedDict):
    object: Literal["list"]
    data: list[LedgerAccount]
    has_more: bool
    url: str


class ListLedgerAccountsParams(TypedDict):
    """List ledger accounts."""

    code: NotRequired[str]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class ListLedgerEntriesParams(TypedDict):
    """List the entries of a ledger account."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveLedgerAccountParams(TypedDict):
    """Retrieve a ledger account."""

    expand: NotRequired[Expand]


class RetrieveLedgerBalanceParams(TypedDict):
    """Retrieve the balance of a ledger account."""

    known_at: NotRequired[int]
    effective_at: NotRequired[int]
    expand: NotRequired[Expand]


class RetrieveLedgerBalancesParams(TypedDict):
    """Retrieve the sums of many balances."""

    code: NotRequired[str]
    depth: NotRequired[int]
    known_at: NotRequired[int]
    effective_at: NotRequired[int]
    expand: NotRequired[Expand]


class RetrieveLedgerStatementParams(TypedDict):
    """Retrieve the statement of a ledger account."""

    interval_start: int
    interval_end: int
    basis: NotRequired[Literal["known", "effective"]]
    format: NotRequired[Literal["json", "csv"]]


class UpdateLedgerAccountParams(TypedDict):
    expand: NotRequired[Expand]
    metadata: NotRequired[MetadataParams]
    name: NotRequired[str]
    status: NotRequired[Literal["closed", "frozen", "open"]]
