# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import NotRequired, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.shared import AuditEntryActorType, Expand, Id, RangeQuery

class ListAuditEntriesParams(TypedDict):
    """List audit entries."""

    actor: NotRequired[str]
    actor_type: NotRequired[AuditEntryActorType]
    action: NotRequired[str]
    object: NotRequired[str]
    object_id: NotRequired[str]
    request: NotRequired[str]
    created: NotRequired[int | RangeQuery]
    limit: NotRequired[int]
    starting_after: NotRequired[Id]
    ending_before: NotRequired[Id]
    expand: NotRequired[Expand]


class RetrieveAuditEntryParams(TypedDict):
    """Retrieve an audit entry."""

    expand: NotRequired[Expand]
