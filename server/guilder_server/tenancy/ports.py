"""What tenancy needs of a database."""

from __future__ import annotations

from typing import Protocol

from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import KeyRecord


class KeyStore(Protocol):
    async def find(self, digest: bytes) -> KeyRecord | None:
        """The key with this hash, be it expired or revoked."""


class AccountStore(Protocol):
    async def find(self, id: str) -> Account | None: ...
