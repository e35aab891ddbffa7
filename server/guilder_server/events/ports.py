"""What the events' readers need of where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guilder_server.events.domain.event import Event
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class EventStore(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Event | None: ...

    async def page(self, tenant: Tenant, query: ListQuery, types: Sequence[str]) -> Page:
        """Of any type if `types` is empty; `charge.*` stands for all that begin so."""
