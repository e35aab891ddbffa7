"""Who a key stands for."""

from __future__ import annotations

import time
from collections.abc import Callable

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Forbidden, Unauthenticated
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.domain.account import AccountStatus
from guilder_server.tenancy.domain.keys import KeyRecord
from guilder_server.tenancy.flows.remembering import Remembered
from guilder_server.tenancy.ports import KeyStore


class Keyring:
    """Finds what a key stands for, and remembers it for a moment."""

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        clock: Clock,
        livemode_allowed: bool = True,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = Remembered(store.find, store.find_all, elapsed)
        self._pepper = pepper
        self._clock = clock
        self._livemode_allowed = livemode_allowed

    async def find(self, token: str) -> KeyRecord | None:
        """The record of a key that may be used now. None if there is no such key, or no longer;
        Unauthenticated and Forbidden where the caller is helped by knowing more."""
        digest = keys.digest(self._pepper, token)
        record = self._records.recall(digest) or await self._look_up(token, digest)
        if record is None or record.revoked_at is not None:
            return None
        if record.expired(self._clock.now()):
            raise Unauthenticated(
                f"This API key has expired: {record.shown()}", code="api_key_expired"
            )
        require_active(record.tenant, record.account_status)
        return record

    async def _look_up(self, token: str, digest: bytes) -> KeyRecord | None:
        if not keys.well_formed(token):
            return None
        if keys.livemode_of(token) and not self._livemode_allowed:
            raise Unauthenticated(
                "This server does not take live mode keys. Use a test mode key, or set "
                "GUILDER_MODE=live on the server."
            )
        return await self._records.get(digest)

    async def renew(self) -> int:
        """Ahead of time, what is in use: see Remembered."""
        return await self._records.renew()


def require_active(tenant: Tenant, status: AccountStatus) -> None:
    """Raises Forbidden for an account that is let in nowhere."""
    if status == "closed":
        raise Forbidden(f"The account {tenant.account} is closed, for good.", code="account_closed")
    if status == "suspended":
        raise Forbidden(
            f"The account {tenant.account} is suspended. Its data is kept, and can be read "
            "again once whoever runs this server resumes it.",
            code="account_suspended",
        )
