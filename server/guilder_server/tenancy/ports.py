"""What tenancy needs of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import ApiKey, IssuedKey, KeyRecord
from guilder_server.tenancy.domain.organization import Organization


class KeyStore(Protocol):
    async def find(self, digest: bytes) -> KeyRecord | None:
        """The key with this hash, be it expired or revoked."""

    async def find_all(self, digests: Sequence[bytes]) -> Mapping[bytes, KeyRecord]:
        """The same of many, by hash."""


class ApiKeyStore(Protocol):
    """The keys of one tenant, for those who administer them over HTTP."""

    async def api_key(self, tenant: Tenant, id: str) -> ApiKey | None: ...

    async def api_keys(self, tenant: Tenant, query: ListQuery) -> Page: ...


class UseStore(Protocol):
    """When credentials were last used: rows of their own, so that noting a use waits for nobody."""

    async def last_used(self, tenant: Tenant, ids: Sequence[str]) -> Mapping[str, datetime]:
        """By id; one that was never used is not named."""

    async def note(self, uses: Mapping[tuple[int, str], datetime]) -> None:
        """By tenant and id. An older use than the one that is known changes nothing."""


class AccountStore(Protocol):
    async def find(self, tenant: Tenant) -> Account | None: ...


class Registry(Protocol):
    """Accounts and keys, for those who administer them. What is done with one registry is one
    transaction of whoever gave it."""

    def add_organization(self, organization: Organization) -> None: ...

    def organization(self, id: str) -> Organization | None: ...

    def organizations(self) -> Sequence[Organization]:
        """Oldest first."""

    def add_account(self, account: Account) -> None:
        """With both of its modes."""

    def account(self, id: str) -> Account | None:
        """Nobody else changes it, or makes a tenant of it, until the transaction has ended."""

    def accounts(self) -> Sequence[Account]:
        """Oldest first."""

    def change_account(self, account: Account) -> None:
        """Store its status and its plan; nothing else about it changes here."""

    def tenant(self, account: str, livemode: bool) -> Tenant:
        """The account in this mode. Ask for the account before."""

    def add_key(self, key: IssuedKey) -> bool:
        """False if a key with its hash is there already."""

    def claim(self, changes: Changes) -> None:
        """The idempotency key of a request, as the last thing in the transaction. Raises KeyTaken:
        then nothing of it may be kept."""

    def record(self, account: str | None, entry: AuditEntry) -> None:
        """Writes to the audit trail of the account, or to that of whoever runs the server, in the
        transaction."""

    def key(self, id: str) -> IssuedKey | None:
        """Nobody else changes it until the transaction has ended."""

    def key_of(self, digest: bytes) -> IssuedKey | None:
        """The key with this hash."""

    def keys(self, account: str | None = None) -> Sequence[IssuedKey]:
        """Oldest first; of all accounts unless one is named."""

    def change_key(self, key: IssuedKey) -> None:
        """Store when it ends, and what has replaced it; nothing else about it changes here."""


class OrganizationStore(Protocol):
    """Organizations and accounts, for requests of whoever runs the server."""

    async def organization(self, id: str) -> Organization | None: ...

    async def organizations(self, query: ListQuery) -> Page: ...

    async def account(self, id: str) -> Account | None: ...

    async def accounts(self, query: ListQuery, organization: str | None) -> Page: ...
