"""What is done with payment methods: read, decide, return changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guilder_server.customers import Customer, Customers, forget_default
from guilder_server.gateways import Instrument, RawCard
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import (
    CardDeclined,
    InvalidRequest,
    NoSuchReference,
    NotFound,
)
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods.domain import payment_method as rules
from guilder_server.payment_methods.domain.payment_method import PaymentMethod, within
from guilder_server.payment_methods.ports import Cards, PaymentMethodStore, Wanted

NOUN = "PaymentMethod"
_ON_FILE_PAGE = 100


class PaymentMethods:
    """The payment methods of each tenant, for whoever pays with one or keeps one on file.

    Wherever a payment method is named, a test token such as `pm_card_visa` may be named
    instead, and stands for a new payment method each time.
    """

    def __init__(self, store: PaymentMethodStore, cards: Cards, ids: Ids, clock: Clock) -> None:
        self._store = store
        self._cards = cards
        self._ids = ids
        self._clock = clock

    async def find(self, tenant: Tenant, id: str) -> PaymentMethod | None:
        return await self._store.find(tenant.id, id)

    async def resolve(
        self, tenant: Tenant, id_or_token: str, changes: Changes, param: str = "payment_method"
    ) -> PaymentMethod:
        """The payment method; a test token makes a new one among `changes`."""
        instrument = self.test_instrument(tenant, id_or_token)
        if instrument is not None:
            return changes.add(self._new(instrument))
        method = await self.find(tenant, id_or_token)
        if method is None:
            raise NoSuchReference(NOUN, id_or_token, param)
        return method

    def from_data(
        self,
        data: Mapping[str, Any],
        changes: Changes,
        param: str | None = "payment_method_data",
    ) -> PaymentMethod:
        """A new one among `changes`, from the card that came with the request inside `param`.

        The number goes to the gateway here and no further.
        """
        instrument = self._instrument(changes.tenant, data.get("card"), within(param, "card"))
        method = rules.described(self._new(instrument), data, param)
        return changes.add(rules.with_checks(method))

    def attach(
        self,
        method: PaymentMethod,
        customer_id: str,
        changes: Changes,
        *,
        set_up: bool = False,
    ) -> PaymentMethod:
        """Keep a method that was just paid with for its customer. `set_up`: the customer has
        agreed to later payments without them.

        The issuer has agreed by then and the money has moved, so nothing is refused here: a
        method that somebody else attached or detached meanwhile is left as it is.
        """
        if method.spent or method.customer_id not in (None, customer_id):
            return method
        agreed = replace(method, set_up=method.set_up or set_up)
        if method.customer_id is None:
            return keep(method, rules.attached(agreed, customer_id), changes, "attached")
        return method if agreed == method else keep(method, agreed, changes)

    def spend(self, method: PaymentMethod, changes: Changes) -> PaymentMethod:
        """It was paid with: one without a customer was good for this payment alone."""
        after = rules.spent(method)
        return method if after is method else keep(method, after, changes)

    def test_instrument(self, tenant: Tenant, token: str, prefix: str = "") -> Instrument | None:
        """What a well-known test token stands for; in live mode they stand for nothing."""
        if tenant.livemode or not token.startswith(prefix):
            return None
        return self._cards.instrument(token)

    def provisional(self, tenant: Tenant, token: str) -> PaymentMethod | None:
        """What a test token would become, for a reader: nothing is stored."""
        instrument = self.test_instrument(tenant, token, "pm_")
        return replace(self._new(instrument), id=token) if instrument else None

    def refuse_unattachable(self, method: PaymentMethod) -> None:
        """Raises the refusal of a card that its issuer does not let be kept on file."""
        declined = self._cards.attachable(method.instrument.token)
        if declined is not None:
            raise CardDeclined(
                declined.code,
                declined.message,
                declined.decline_code,
                declined.param,
                advice_code=declined.advice_code,
                network_decline_code=declined.network_decline_code,
            )

    def _new(self, instrument: Instrument) -> PaymentMethod:
        return PaymentMethod(
            id=self._ids.new("pm"), version=1, created=self._clock.now(), instrument=instrument
        )

    def _instrument(self, tenant: Tenant, card: Mapping[str, Any] | None, param: str) -> Instrument:
        if not card:
            raise InvalidRequest("parameter_missing", f"Missing required param: {param}.", param)
        token = card.get("token")
        if token is None:
            return self._cards.tokenize(_raw_card(card, param))
        if card.keys() & {"number", "exp_month", "exp_year", "cvc"}:
            raise InvalidRequest(
                "parameters_exclusive",
                "Send card[token] or the card itself, not both.",
                param,
            )
        instrument = self.test_instrument(tenant, token, "tok_")
        if instrument is None:
            raise NoSuchReference("token", token, within(param, "token"))
        return instrument


class PaymentMethodFlows:
    """The operations on payment methods, and what customers ask of them."""

    def __init__(
        self,
        methods: PaymentMethods,
        store: PaymentMethodStore,
        customers: Customers,
        clock: Clock,
    ) -> None:
        self._methods = methods
        self._store = store
        self._customers = customers
        self._clock = clock

    async def create(self, tenant: Tenant, given: Mapping[str, Any]) -> Done:
        changes = Changes(tenant)
        return Done(self._methods.from_data(given, changes, None), changes)

    async def retrieve(
        self, tenant: Tenant, id: str, customer_id: str | None = None
    ) -> PaymentMethod:
        """The payment method; with `customer_id`, only if it is that customer's."""
        if customer_id is None:
            return await self._named(tenant, id)
        await self._customer(tenant, customer_id)
        method = await self._methods.find(tenant, id)
        if method is None or method.customer_id != customer_id:
            raise NotFound(NOUN, id, "payment_method")
        return method

    async def update(self, tenant: Tenant, id: str, given: Mapping[str, Any]) -> Done:
        before = await self._named(tenant, id)
        after = rules.updated(before, given, self._clock.now())
        changes = Changes(tenant)
        if after == before:
            return Done(before, changes)
        after = changes.change(before, after)
        changes.record("payment_method.updated", after, previous=before)
        return Done(after, changes)

    async def attach(self, tenant: Tenant, id: str, customer_id: str) -> Done:
        customer = await self._customers.find(tenant, customer_id)
        if customer is None:
            raise NoSuchReference("customer", customer_id, "customer")
        changes = Changes(tenant)
        method = await self._put_on_file(tenant, id, customer, changes, None)
        # Changing the customer, if only its version, keeps out a deletion at the same moment.
        changes.change(customer, customer)
        return Done(method, changes)

    async def detach(self, tenant: Tenant, id: str) -> Done:
        before = await self._named(tenant, id)
        after = rules.detached(before)
        changes = Changes(tenant)
        after = keep(before, after, changes, "detached")
        customer = await self._customers.find(tenant, before.customer_id or "")
        if customer is not None:
            forget_default(customer, id, changes)
        return Done(after, changes)

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        if wanted.customer_id is not None and not await self._customers.find(
            tenant, wanted.customer_id
        ):
            raise NoSuchReference("customer", wanted.customer_id, "customer")
        return await self._store.page(tenant.id, query, wanted)

    async def page_of_customer(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        """As `page`, of the customer that the path names."""
        await self._customer(tenant, wanted.customer_id or "")
        return await self._store.page(tenant.id, query, wanted)

    async def put_on_file(
        self, tenant: Tenant, id: str, customer: Customer, changes: Changes, param: str
    ) -> str:
        return (await self._put_on_file(tenant, id, customer, changes, param)).id

    async def on_file(self, tenant: Tenant, id: str, customer: str, param: str) -> str:
        method = await self._methods.find(tenant, id)
        if method is None and self._methods.provisional(tenant, id) is None:
            raise NoSuchReference(NOUN, id, param)
        if method is None or method.customer_id != customer:
            raise rules.not_of_customer(id, param)
        return method.id

    async def clear_file(self, tenant: Tenant, customer: str, changes: Changes) -> None:
        query, wanted = ListQuery(_ON_FILE_PAGE), Wanted(customer_id=customer)
        while True:
            page = await self._store.page(tenant.id, query, wanted)
            for method in page.items:
                assert isinstance(method, PaymentMethod)
                keep(method, rules.detached(method), changes, "detached")
                query = ListQuery(_ON_FILE_PAGE, starting_after=method.id)
            if not page.has_more:
                return

    async def _put_on_file(
        self, tenant: Tenant, id: str, customer: Customer, changes: Changes, param: str | None
    ) -> PaymentMethod:
        """`param` names the parameter that `id` came in; None if it came in the path."""
        try:
            before = await self._methods.resolve(tenant, id, changes, param or "payment_method")
        except NoSuchReference as error:
            raise error if param else NotFound(NOUN, id, "payment_method") from None
        after = rules.attached(before, customer.id)
        self._methods.refuse_unattachable(before)
        return keep(before, after, changes, "attached")

    async def _named(self, tenant: Tenant, id: str) -> PaymentMethod:
        """The payment method that the path names."""
        method = self._methods.provisional(tenant, id) or await self._methods.find(tenant, id)
        if method is None:
            raise NotFound(NOUN, id, "payment_method")
        return method

    async def _customer(self, tenant: Tenant, id: str) -> None:
        if await self._customers.find(tenant, id) is None:
            raise NotFound("customer", id, "customer")


def keep(
    before: PaymentMethod, after: PaymentMethod, changes: Changes, happened: str | None = None
) -> PaymentMethod:
    """`before` becomes `after`, be it a row or itself only now coming into being."""
    for position, thing in enumerate(changes.added):
        if thing is before:
            changes.added[position] = after
            break
    else:
        after = changes.change(before, after)
    if happened is not None:
        changes.record(f"payment_method.{happened}", after)
    return after


def _raw_card(card: Mapping[str, Any], param: str) -> RawCard:
    for name in ("number", "exp_month", "exp_year"):
        if card.get(name) is None:
            place = within(param, name)
            raise InvalidRequest("parameter_missing", f"Missing required param: {place}.", place)
    return RawCard(
        number=card["number"],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
        cvc=card.get("cvc"),
    )
