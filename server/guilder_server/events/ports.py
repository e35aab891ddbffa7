"""What the events' readers need of where they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from guilder_server.events.domain.event import Event
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class EventStore(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Event | None: ...

    async def page(
        self,
        tenant: Tenant,
        query: ListQuery,
        types: Sequence[str],
        *,
        delivered: bool | None = None,
    ) -> Page:
        """Of any type if `types` is empty; `charge.*` stands for all that begin so. `delivered`
        asks for those that every endpoint has received, or for the others."""

    async def between(
        self, tenant: Tenant, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Event]:
        """Those that happened from `since` to before `until`, oldest first, after the id."""


class Recipients(Protocol):
    """Who events are sent to: said here, and filled in where the application is put together."""

    async def pending(self, tenant: Tenant, event_ids: Sequence[str]) -> Mapping[str, int]:
        """How many endpoints have not received each of these events; none is not named."""
