"""What usage needs of a database and of the committer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import Forbidden
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.tenant import Tenant
from guilder_server.usage.domain.meters import Figures, Meter, Percent
from guilder_server.usage.domain.used import Sides


@dataclass(frozen=True, slots=True)
class Untold:
    """A tenant's month with marks of which nobody was told."""

    tenant: Tenant
    plan: str | None
    figures: Figures
    marks: int


class UsageStore(Protocol):
    async def of_tenant(self, tenant: Tenant, month: str) -> tuple[str | None, Figures]:
        """The account's plan, and what was used in the month."""

    async def of_accounts(
        self, month: str, query: ListQuery, organization: str | None
    ) -> tuple[Sequence[Sides], bool]:
        """Newest account first, and whether there are more."""

    async def of_account(self, account: str, month: str) -> Sides | None: ...

    async def untold(self, limit: int) -> Sequence[Untold]: ...

    async def told(self, tenant: Tenant, month: str, meter: Meter, percent: Percent) -> None:
        """The account knows of the mark, if there is a notice of it."""

    async def passed(self, tenant: Tenant, month: str, meter: Meter, percent: Percent) -> None:
        """The mark holds no more; it may be reached again."""


class SpentCalls(Protocol):
    def refusal(self, tenant: int) -> Forbidden | None:
        """Why the tenant may call no more, as far as is known here."""


class Commits(Protocol):
    async def commit(self, changes: Changes) -> None:
        """Raises GuardLost for what may be tried again."""
