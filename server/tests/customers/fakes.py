"""Stand-ins for what customers need; test_store.py holds the store against the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guilder_server.customers.domain.customer import Customer
from guilder_server.kernel.changes import Changes, Stored
from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.lists import CreatedRange, ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class CustomersInMemory:
    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], Customer] = {}

    def commit(self, changes: Changes) -> None:
        for thing in [*changes.added, *(after for _, after in changes.changed)]:
            if isinstance(thing, Customer):
                self._rows[changes.tenant.id, thing.id] = thing

    async def find(self, tenant_id: int, id: str) -> Customer | None:
        return self._rows.get((tenant_id, id))

    async def page(self, tenant_id: int, query: ListQuery, email: str | None = None) -> Page:
        rows = [
            row
            for (tenant, _), row in self._rows.items()
            if tenant == tenant_id
            and not row.deleted
            and (email is None or row.email == email)
            and _within(row, query.created)
        ]
        known = {id for tenant, id in self._rows if tenant == tenant_id}
        return cut(rows, query, known, "customer")

    async def search(self, tenant_id: int, query: str, limit: int, page: str | None) -> Page:
        raise AssertionError("the search language is the database's own")


def cut(rows: Sequence[Stored], query: ListQuery, known: set[str], noun: str) -> Page:
    """The page of `rows` that the cursors ask for."""
    rows = sorted(rows, key=lambda row: row.id, reverse=True)
    for cursor, param in (
        (query.starting_after, "starting_after"),
        (query.ending_before, "ending_before"),
    ):
        if cursor is not None and cursor not in known:
            raise NoSuchReference(noun, cursor, param)
    if query.starting_after is not None:
        rows = [row for row in rows if row.id < query.starting_after]
    if query.ending_before is not None:
        rows = [row for row in rows if row.id > query.ending_before]
        return Page(rows[-query.limit :], len(rows) > query.limit)
    return Page(rows[: query.limit], len(rows) > query.limit)


def _within(row: Customer, created: CreatedRange | None) -> bool:
    if created is None:
        return True
    return (created.gte is None or row.created >= created.gte) and (
        created.lt is None or row.created < created.lt
    )


@dataclass
class OnFile:
    """Payment methods by the customer whose they are; a token stands for a new one."""

    methods: dict[str, str | None] = field(default_factory=dict)

    async def put_on_file(
        self, tenant: Tenant, id: str, customer: Customer, changes: Changes, param: str
    ) -> str:
        if id == "pm_card_visa":
            id = "pm_new"
        elif id not in self.methods:
            raise NoSuchReference("PaymentMethod", id, param)
        self.methods[id] = customer.id
        changes.record("payment_method.attached", customer)
        return id

    async def on_file(self, tenant: Tenant, id: str, customer: str, param: str) -> str:
        if self.methods.get(id) != customer:
            raise NoSuchReference("PaymentMethod", id, param)
        return id

    async def clear_file(self, tenant: Tenant, customer: str, changes: Changes) -> None:
        for id, holder in self.methods.items():
            if holder == customer:
                self.methods[id] = None
