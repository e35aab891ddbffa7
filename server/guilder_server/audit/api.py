"""The operations on the audit trail."""

from __future__ import annotations

from guilder_server.audit.domain.entry import Entry, Wanted
from guilder_server.audit.flows import Trail
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Page

_FILTERS = ("actor", "actor_type", "action", "object", "object_id", "request")


class AuditEntriesApi:
    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    async def retrieve_audit_entry(self, call: Call) -> Entry:
        return await self._trail.retrieve(call.tenant, call.path["id"])

    async def list_audit_entries(self, call: Call) -> Page:
        wanted = Wanted(**{name: call.params.get(name) for name in _FILTERS})
        return await self._trail.page(call.tenant, list_query(call), wanted)
