"""Who a key stands for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Forbidden, Unauthenticated
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.domain.keys import KeyRecord
from guilder_server.tenancy.ports import KeyStore

T = TypeVar("T")

# A revoked key, and each key of an account that was suspended or closed, is refused within this
# time.
KNOWN_FOR_S = 5.0
UNKNOWN_FOR_S = 1.0
MOST_REMEMBERED = 10_000


class Keyring:
    """Finds what a key stands for, and remembers it for a moment.

    Invented keys are remembered apart from real ones, so that a flood of them makes neither
    the memory grow nor a real key be forgotten.
    """

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        clock: Clock,
        livemode_allowed: bool = True,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._clock = clock
        self._livemode_allowed = livemode_allowed
        self._elapsed = elapsed
        self._known: dict[bytes, tuple[float, KeyRecord]] = {}
        self._unknown: dict[bytes, float] = {}

    async def find(self, token: str) -> KeyRecord | None:
        """The record of a key that may be used now. None if there is no such key, or no longer;
        Unauthenticated and Forbidden where the caller is helped by knowing more."""
        if not keys.well_formed(token):
            return None
        if keys.livemode_of(token) and not self._livemode_allowed:
            raise Unauthenticated(
                "This server does not take live mode keys. Use a test mode key, or set "
                "GUILDER_MODE=live on the server."
            )
        record = await self._record(keys.digest(self._pepper, token))
        if record is None or record.revoked_at is not None:
            return None
        if record.expired(self._clock.now()):
            raise Unauthenticated(
                f"This API key has expired: {record.shown()}", code="api_key_expired"
            )
        if record.account_status != "active":
            raise _inactive(record)
        return record

    async def _record(self, digest: bytes) -> KeyRecord | None:
        now = self._elapsed()
        remembered = self._known.get(digest)
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        if self._unknown.get(digest, 0.0) > now:
            return None
        record = await self._store.find(digest)
        if record is None:
            _remember(self._unknown, digest, now + UNKNOWN_FOR_S)
        else:
            _remember(self._known, digest, (now + KNOWN_FOR_S, record))
        return record


def _inactive(record: KeyRecord) -> Forbidden:
    if record.account_status == "closed":
        return Forbidden(
            f"The account {record.tenant.account} is closed, for good.", code="account_closed"
        )
    return Forbidden(
        f"The account {record.tenant.account} is suspended. Its data is kept, and can be read "
        "again once whoever runs this server resumes it.",
        code="account_suspended",
    )


def _remember(memory: dict[bytes, T], key: bytes, value: T) -> None:
    """As the newest entry; the oldest one makes room."""
    memory.pop(key, None)
    while len(memory) >= MOST_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
