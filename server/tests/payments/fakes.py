"""Stand-ins for what payments need; test_store.py holds the stores against the real ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from guilder_server.customers import Customer, Customers
from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Attempt,
    Capabilities,
    Declined,
    Gateway,
    Outcome,
    Request,
    Unknown,
    take_over,
)
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.changes import Changes, GuardLost, Stored
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Awaiting, Done, Page, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethods
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import intending, sweeping
from guilder_server.payments.ports import Tools, Wish
from guilder_server.wallets import Wallets
from tests.customers.fakes import CustomersInMemory, cut
from tests.payment_methods.fakes import PaymentMethodsInMemory
from tests.payments.things import NOW
from tests.wallets.fakes import NoWallets

T = TypeVar("T", bound=Stored)

TENANT, LIVE = Tenant(1, "acct_1", livemode=False), Tenant(3, "acct_1", livemode=True)
PAGE = "http://guilder.example/sandbox/authenticate"

APPROVED = Approved("ref_1", captured=True)
DECLINED = Declined("card_declined", "Your card was declined.", "generic_decline")
ACTION = ActionRequired("authenticate", "ref_1")
LOST = Unknown("no answer")
PAYMENT: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": True,
}


class RowsInMemory:
    """Rows of any kind, changed under the same guard as in the database."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Tenant, str], Stored] = {}

    def commit(self, changes: Changes) -> None:
        tenant, after = changes.tenant, dict(self.rows)
        for thing in changes.added:
            after[tenant, thing.id] = thing
        for before, thing in changes.changed:
            current = after.get((tenant, before.id))
            if current is None or current.version != before.version:
                raise GuardLost(before.id)
            after[tenant, thing.id] = thing
        self.rows = after

    def find(self, tenant: Tenant, kind: type[T], id: str) -> T | None:
        found = self.rows.get((tenant, id))
        return found if isinstance(found, kind) else None

    def every(self, kind: type[T]) -> list[tuple[Tenant, T]]:
        return [(tenant, row) for (tenant, _), row in self.rows.items() if isinstance(row, kind)]


class PaymentsInMemory:
    def __init__(self, rows: RowsInMemory) -> None:
        self._rows = rows

    async def intent(self, tenant: Tenant, id: str) -> Intent | None:
        return self._rows.find(tenant, Intent, id)

    async def charge(self, tenant: Tenant, id: str) -> Charge | None:
        return self._rows.find(tenant, Charge, id)

    async def refund(self, tenant: Tenant, id: str) -> Refund | None:
        return self._rows.find(tenant, Refund, id)

    async def list_intents(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page:
        return self._page(tenant, Intent, query, filters, "payment_intent")

    async def list_charges(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page:
        return self._page(tenant, Charge, query, filters, "charge")

    async def list_refunds(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page:
        return self._page(tenant, Refund, query, filters, "refund")

    async def search_intents(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page:
        raise AssertionError("the search language is the database's own")

    async def search_charges(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page:
        raise AssertionError("the search language is the database's own")

    async def awaiting_customer(self, id: str) -> tuple[Tenant, Intent] | None:
        for tenant, intent in self._rows.every(Intent):
            if intent.id == id and intent.status == "requires_action" and not tenant.livemode:
                return tenant, intent
        return None

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        due = []
        for tenant, charge in self._rows.every(Charge):
            if charge.capture_before is None or charge.capture_before >= now:
                continue
            intent = self._rows.find(tenant, Intent, charge.payment_intent_id or "")
            busy = charge.attempt_id or (intent and intent.attempt_id)
            if not (charge.captured or charge.released or busy):
                due.append((charge.capture_before, tenant, charge.id))
        due.sort(key=lambda one: one[0])
        return [(tenant, id) for _, tenant, id in due[:limit]]

    def _page(
        self,
        tenant: Tenant,
        kind: type[T],
        query: ListQuery,
        filters: Mapping[str, str],
        noun: str,
    ) -> Page:
        own = [row for owner, row in self._rows.every(kind) if owner == tenant]
        wanted = [
            row
            for row in own
            if all(getattr(row, name) == value for name, value in filters.items())
        ]
        return cut(wanted, query, {row.id for row in own}, noun)


class AttemptsInMemory:
    def __init__(self, rows: RowsInMemory) -> None:
        self._rows = rows

    async def find(self, tenant: Tenant, id: str) -> Attempt | None:
        return self._rows.find(tenant, Attempt, id)

    async def due(
        self, now: datetime, limit: int, kinds: Collection[str]
    ) -> Sequence[tuple[Tenant, str]]:
        due = [
            (attempt.lease_until, tenant, attempt.id)
            for tenant, attempt in self._rows.every(Attempt)
            if attempt.open and attempt.kind in kinds
            if attempt.lease_until is not None and attempt.lease_until < now
        ]
        due.sort(key=lambda one: one[0])
        return [(tenant, id) for _, tenant, id in due[:limit]]


@dataclass
class ScriptedGateway:
    """Says what the test tells it to, and keeps what it was asked. Cards are the sandbox's."""

    cards: Sandbox
    capabilities: Capabilities
    answers: list[Outcome] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    name: str = "scripted"

    def can(self, **capabilities: bool) -> None:
        self.capabilities = replace(self.capabilities, **capabilities)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cards, name)

    async def _answer(self, request: Request) -> Outcome:
        self.asked.append(request)
        return self.answers.pop(0)

    authorize = capture = void = refund = increment = _answer

    async def query(self, request: Request) -> Answer:
        raise AssertionError("the test answers in its place")


class World:
    """The flows with everything around them played, and what they leave behind."""

    def __init__(self, *, in_process: bool = True, **capabilities: bool) -> None:
        self.clock = ManualClock(NOW)
        self.rows = RowsInMemory()
        self.facts: list[str] = []
        self.postings: list[LedgerTransaction] = []
        can: dict[str, bool] = {
            "deduplicates": True,
            "multicapture": True,
            "incremental_authorization": True,
            **capabilities,
        }
        self.gateway = ScriptedGateway(
            Sandbox(self.clock, b"key"), Capabilities(in_process=in_process, **can)
        )
        gateway: Gateway = self.gateway
        self._customers, self._methods = CustomersInMemory(), PaymentMethodsInMemory()
        ids = Ids(self.clock)
        self.tools = Tools(
            store=PaymentsInMemory(self.rows),
            attempts=AttemptsInMemory(self.rows),
            customers=Customers(self._customers),
            methods=PaymentMethods(self._methods, gateway, ids, self.clock),
            wallets=Wallets(NoWallets(), ids, self.clock),
            gateways={gateway.name: gateway},
            default_gateway=gateway.name,
            ids=ids,
            clock=self.clock,
            authentication_page=PAGE,
            timeout_ms=1_000,
            lease=timedelta(seconds=10),
        )

    def answer(self, *answers: Outcome) -> None:
        """What the gateway will say next."""
        self.gateway.answers += answers

    def wish(self, tenant: Tenant = TENANT, **given: Any) -> Wish:
        return Wish(tenant, given, {"operation": "an_operation", "key": "k"})

    def commit(self, changes: Changes) -> None:
        self.rows.commit(changes)
        self._customers.commit(changes)
        self._methods.commit(changes)
        self.facts += [fact.type for fact in changes.facts]
        self.postings += changes.postings

    async def carry_out(self, step: Step) -> Done:
        """As the executor does: commit, ask, commit."""
        while isinstance(step, Awaiting):
            self.commit(step.changes)
            step = await step.resume(await step.call())
        self.commit(step.changes)
        return step

    async def pay(self, *answers: Outcome, **given: Any) -> Done:
        """A payment that the gateway answers so, by default with yes."""
        self.answer(*(answers or (APPROVED,)))
        wish = self.wish(**PAYMENT | given)
        return await self.carry_out(await intending.create_intent(self.tools, wish))

    async def hold(self) -> Intent:
        await self.pay(capture_method="manual")
        self.news()
        return self.only(Intent)

    async def resolve(self, answer: Answer, at: datetime) -> Done:
        """What the sweeper does with an attempt that nobody has in hand."""
        self.clock.instant = at
        attempt = next(attempt for attempt in self.every(Attempt) if attempt.open)
        in_hand = await take_over(self.tools, TENANT, attempt.id)
        assert in_hand is not None
        self.commit(in_hand.changes)
        assert await take_over(self.tools, TENANT, attempt.id) is None, "it is in hand"
        step = await sweeping.resolve(self.tools, TENANT, attempt.id, answer)
        return await self.carry_out(step)

    def customer(self, id: str = "cus_1", **fields: Any) -> Customer:
        customer = Customer(id, 1, NOW, "AAA", **fields)
        self.commit(Changes(TENANT, added=[customer]))
        return customer

    def every(self, kind: type[T]) -> list[T]:
        return [row for _, row in self.rows.every(kind)]

    def only(self, kind: type[T]) -> T:
        [row] = self.every(kind)
        return row

    def news(self) -> list[str]:
        """What was recorded since the last look."""
        heard, self.facts = self.facts, []
        return heard
