"""A stand-in for the store; test_store.py holds it against the real one."""

from __future__ import annotations

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.ports import Wanted
from tests.customers.fakes import cut


class PaymentMethodsInMemory:
    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], PaymentMethod] = {}

    def commit(self, changes: Changes) -> None:
        for thing in [*changes.added, *(after for _, after in changes.changed)]:
            if isinstance(thing, PaymentMethod):
                self._rows[changes.tenant.id, thing.id] = thing

    async def find(self, tenant_id: int, id: str) -> PaymentMethod | None:
        return self._rows.get((tenant_id, id))

    async def page(self, tenant_id: int, query: ListQuery, wanted: Wanted) -> Page:
        rows = [
            row
            for (tenant, _), row in self._rows.items()
            if tenant == tenant_id
            and wanted.customer_id in (None, row.customer_id)
            and wanted.allow_redisplay in (None, row.allow_redisplay)
        ]
        known = {id for tenant, id in self._rows if tenant == tenant_id}
        return cut(rows, query, known, "PaymentMethod")
