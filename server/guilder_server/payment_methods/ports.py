"""What payment methods need of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from guilder_server.gateways import Declined, Instrument, RawCard
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.payment_methods.domain.payment_method import AllowRedisplay, PaymentMethod


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payment methods a list holds; None does not narrow it."""

    customer_id: str | None = None
    allow_redisplay: AllowRedisplay | None = None


class PaymentMethodStore(Protocol):
    async def find(self, tenant_id: int, id: str) -> PaymentMethod | None: ...

    async def page(self, tenant_id: int, query: ListQuery, wanted: Wanted) -> Page:
        """Newest first. An unknown cursor raises NoSuchReference."""


class Cards(Protocol):
    """The part of a gateway that knows cards before they are charged."""

    def tokenize(self, card: RawCard) -> Instrument: ...

    def instrument(self, token: str) -> Instrument | None: ...

    def attachable(self, instrument: str) -> Declined | None: ...
