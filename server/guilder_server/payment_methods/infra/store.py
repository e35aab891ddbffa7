"""Payment methods as PostgreSQL keeps them."""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.infra.tables import PAYMENT_METHODS, payment_methods
from guilder_server.payment_methods.ports import Wanted
from guilder_server.postgres import listing
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

_PREFIX, _NOUN = "pm", "PaymentMethod"


class PostgresPaymentMethods:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool = pool
        self._reads = reads

    async def find(self, tenant_id: int, id: str) -> PaymentMethod | None:
        return await self._reads.one(PAYMENT_METHODS.lookup, tenant_id, id)

    async def page(self, tenant_id: int, query: ListQuery, wanted: Wanted) -> Page:
        conditions: list[sa.ColumnElement[bool]] = []
        if wanted.customer_id is not None:
            conditions.append(payment_methods.c.customer_id == wanted.customer_id)
        if wanted.allow_redisplay is not None:
            conditions.append(payment_methods.c.allow_redisplay == wanted.allow_redisplay)
        return await listing.page(
            self._pool, PAYMENT_METHODS, tenant_id, query, conditions, _PREFIX, _NOUN
        )
