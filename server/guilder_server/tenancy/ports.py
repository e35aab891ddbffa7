"""What tenancy needs of a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import IssuedKey, KeyRecord


class KeyStore(Protocol):
    async def find(self, digest: bytes) -> KeyRecord | None:
        """The key with this hash, be it expired or revoked."""


class AccountStore(Protocol):
    async def find(self, id: str) -> Account | None: ...


class Registry(Protocol):
    """Accounts and keys, for those who administer them. What is done with one registry is one
    transaction of whoever gave it."""

    def add_account(self, account: Account) -> None:
        """With both of its modes."""

    def account(self, id: str) -> Account | None:
        """Nobody else changes it, or makes a tenant of it, until the transaction has ended."""

    def accounts(self) -> Sequence[Account]:
        """Oldest first."""

    def change_account(self, account: Account) -> None:
        """Store its status; nothing else about it changes here."""

    def tenant(self, account: str, livemode: bool) -> Tenant:
        """The account in this mode. Ask for the account before."""

    def add_key(self, digest: bytes, key: IssuedKey) -> bool:
        """False if a key with this hash is there already."""

    def record(self, account: str, entry: AuditEntry) -> None:
        """Writes to the audit trail of the account, in the transaction."""

    def key(self, id: str) -> IssuedKey | None:
        """Nobody else changes it until the transaction has ended."""

    def key_of(self, digest: bytes) -> IssuedKey | None:
        """The key with this hash."""

    def keys(self, account: str | None = None) -> Sequence[IssuedKey]:
        """Oldest first; of all accounts unless one is named."""

    def change_key(self, key: IssuedKey) -> None:
        """Store when it ends, and what has replaced it; nothing else about it ever changes."""
