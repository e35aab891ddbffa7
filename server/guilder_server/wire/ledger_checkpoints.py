# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Literal, NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import Expand, Id

class LedgerCheckpoint(TypedDict):
    id: str
    object: Literal["ledger_checkpoint"]
    created: int
    head: str
    livemode: bool
    position: int
    public_key: str
    signature: str
    signed: str
    transactions: int


class LedgerCheckpointList(TypedDict):
    object: Literal["list"]
    data: list[LedgerCheckpoint]
    has_more: bool
    url: str


class ListLedgerCheckpointsParams(TypedDict):
    """List ledger checkpoints."""

    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveLedgerCheckpointParams(TypedDict):
    """Retrieve a ledger checkpoint."""

    expand: NotRequired[Expand]
