"""Entries of the audit trail as the wire shows them."""

from __future__ import annotations

from typing import Any, cast

from guilder_server import wire
from guilder_server.audit.domain.entry import Entry
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant


def view_entry(entry: Entry, tenant: Tenant) -> wire.AuditEntry:
    actor, place = entry.cause.actor, entry.place
    return {
        "id": entry.id,
        "object": "audit_entry",
        "action": entry.cause.action,
        "actor": {"address": actor.address, "id": actor.id, "type": actor.kind},
        "chain": None if place is None else {"hash": place.head.hex(), "position": place.position},
        "changes": [
            {
                "object": one.object,
                "id": one.id,
                "after": cast(Any, one.after),
                "before": cast(Any, one.before),
            }
            for one in entry.touched
        ],
        "created": unix(entry.created),
        "livemode": tenant.livemode,
        "request": entry.cause.request_id,
    }
