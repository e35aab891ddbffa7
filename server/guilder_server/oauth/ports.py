"""What OAuth needs of a database and of cryptography."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain.client import Client, KnownClient
from guilder_server.oauth.domain.signing import SigningKey


class ClientStore(Protocol):
    async def client(self, tenant: Tenant, id: str) -> Client | None: ...

    async def clients(self, tenant: Tenant, query: ListQuery) -> Page: ...

    async def known(self, id: str) -> KnownClient | None:
        """A client of any tenant; also one that was deleted."""

    async def all_known(self, ids: Sequence[str]) -> Mapping[str, KnownClient]:
        """The same of many, by id."""

    async def once(self, known: KnownClient, jti: bytes, until: datetime) -> bool:
        """Whether this assertion is seen for the first time; it is remembered until `until`."""


class Refusals(Protocol):
    async def audit(self, known: KnownClient, actor: Actor, action: str, error: str) -> None:
        """Puts into the account's audit what a client, or who says to be it, was refused."""


class SigningKeyStore(Protocol):
    async def all(self) -> Sequence[SigningKey]:
        """Those that are published, or will be."""

    async def rotate(self, now: datetime, period: timedelta) -> int:
        """Make the keys that are missing and forget those that are over; how many changed. Any
        number of processes may do so at once."""


class Signatures(Protocol):
    def sign(self, claims: Mapping[str, Any], key: SigningKey) -> str:
        """A token."""

    def verified(self, token: str, public: Mapping[str, str]) -> Mapping[str, Any]:
        """The claims of a token that this key has signed. Raises BadToken."""

    def asserted(self, assertion: str, public_keys: Sequence[str]) -> Mapping[str, Any]:
        """The claims of what one of these keys has signed. Raises BadToken."""

    def check_public_key(self, pem: str) -> None:
        """Raises ValueError, which says why, for what is no public key that can be used here."""
