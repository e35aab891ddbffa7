"""What webhooks need: where they are kept, what happened, and a way to the endpoints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.domain.delivery import Delivery, Outcome
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.domain.replies import Reply, Trouble

Place = tuple[int, str]  # tenant, endpoint


class WebhookStore(Protocol):
    async def endpoint(self, tenant: Tenant, id: str) -> Endpoint | None:
        """Deleted ones are found as well."""

    async def endpoints(self, tenant: Tenant, query: ListQuery) -> Page:
        """Newest first, without deleted ones."""

    async def slots(self, tenant: Tenant) -> set[int]:
        """Those that are taken."""

    async def delivery(self, tenant: Tenant, id: str) -> Delivery | None: ...

    async def deliveries_to(
        self, tenant: Tenant, endpoint_id: str, query: ListQuery, status: str | None
    ) -> Page: ...

    async def deliveries_of(self, tenant: Tenant, event_id: str, query: ListQuery) -> Page: ...

    async def replay(self, tenant: Tenant, id: str) -> Replay | None: ...

    async def replays(self, tenant: Tenant, endpoint_id: str, query: ListQuery) -> Page: ...


class Happened(Protocol):
    """An event, as far as webhooks need to know it."""

    @property
    def id(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def created(self) -> datetime: ...


class News(Protocol):
    """The events of an account."""

    async def find(self, tenant: Tenant, id: str) -> Happened | None: ...

    async def between(
        self, tenant: Tenant, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Happened]:
        """Those that happened from `since` to before `until`, oldest first, after the id."""

    async def body(self, tenant: Tenant, id: str, pending: int) -> bytes | None:
        """The event as it is sent; None if it is not kept any more."""


class Safe(Protocol):
    """Where secrets are put so that the database does not show them."""

    def seal(self, secret: bytes, purpose: bytes) -> bytes: ...

    def open(self, sealed: bytes, purpose: bytes) -> bytes: ...


class Network(Protocol):
    """The way to an endpoint. `loopback`: plain http and this machine are allowed."""

    async def vet(self, url: str, *, loopback: bool) -> Trouble | None:
        """Why nothing may be sent there, if nothing may. A name that is not known is not
        forbidden: it may be made known later."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, loopback: bool
    ) -> Reply:
        """Never raises for what the other side does."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint with whose it is."""

    tenant: Tenant
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come; `pending` endpoints have not received its event yet."""

    id: str
    version: int
    event_id: str
    tries: int
    pending: int


class DeliveryQueue(Protocol):
    """The deliveries that are due. An endpoint's are taken by one worker at a time, which holds
    the endpoint for as long as it lives; nothing is written before an attempt was made."""

    async def waiting(self, now: datetime) -> Sequence[Place]:
        """The endpoints for which something is due."""

    async def hold(self, places: Collection[Place]) -> set[Place]:
        """Those that are now held by this worker. Raises HoldsLost when those held before are
        not held any more."""

    async def release(self, places: Collection[Place]) -> None: ...

    async def due(
        self, wanted: Mapping[Place, int], now: datetime
    ) -> Mapping[Place, Sequence[Due]]:
        """The next deliveries, as many as wanted, in the order in which they became due."""

    async def targets(self, places: Collection[Place]) -> Mapping[Place, Target]: ...

    async def settle(self, outcomes: Sequence[tuple[int, Due, Outcome]]) -> None:
        """Write down what became of deliveries, each with its tenant. What was decided about one
        while the attempt was under way stands."""

    async def cancel(self, place: Place) -> int:
        """Give up what waits for an endpoint, unless it is enabled again; how many deliveries
        that were."""


class HoldsLost(Exception):
    """The session that held endpoints has ended: another worker may have them by now."""


class ReplayQueue(Protocol):
    async def pending(self) -> Sequence[tuple[Tenant, Replay]]: ...

    async def backlog(self, place: Place, now: datetime, most: int) -> int:
        """How many deliveries to an endpoint are due, counted up to `most`."""

    async def put(
        self,
        tenant: Tenant,
        replay: Replay,
        after: Replay,
        events: Sequence[Happened],
        now: datetime,
    ) -> bool:
        """Put `events` on their way, and the replay forward. False if another was faster."""

    async def failed(self, tenant: Tenant, replay: Replay, limit: int) -> Sequence[Happened]:
        """The events of the stretch that the endpoint was sent and did not take."""


class Settler(Protocol):
    async def settle(self, tenant: Tenant, step: Step) -> None:
        """Commit what a job has decided. Raises GuardLost when a row has changed meanwhile."""
