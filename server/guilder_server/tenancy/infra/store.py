"""Accounts and keys as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import msgspec

from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import BIGINT, BYTEA
from guilder_server.postgres.reads import Lookup, MergedReads
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import KeyRecord

_metadata = msgspec.json.Decoder(dict[str, str])
_words = msgspec.json.Decoder(tuple[str, ...])

_ACCOUNT_FIELDS = tuple(field.name for field in fields(Account))


def _key(row: Sequence[Any]) -> KeyRecord:
    key_id, kind, last4, permissions, expires_at, revoked_at, allowed = row[:7]
    tenant_id, account, livemode, account_status, plan = row[7:]
    return KeyRecord(
        id=key_id,
        tenant=Tenant(tenant_id, account, livemode),
        kind=kind,
        last4=last4,
        expires_at=expires_at,
        revoked_at=revoked_at,
        permissions=None if permissions is None else _words.decode(permissions),
        account_status=account_status,
        plan=plan,
        allowed_addresses=_words.decode(allowed),
    )


def _account(row: Sequence[Any]) -> Account:
    named = dict(zip(_ACCOUNT_FIELDS, row, strict=True))
    return Account(**named | {"metadata": _metadata.decode(named["metadata"])})


_ACCOUNT_COLUMNS = ", ".join(f"accounts.{name}" for name in _ACCOUNT_FIELDS)
_KEYS = Lookup(
    "SELECT a.hash, a.id, a.kind, a.last4, a.permissions, a.expires_at, a.revoked_at, "
    "a.allowed_addresses, "
    "t.id, t.account_id, t.livemode, c.status, c.plan FROM unnest(%s) AS k(hash) "
    "JOIN api_keys a USING (hash) JOIN tenants t ON t.id = a.tenant_id "
    "JOIN accounts c ON c.id = t.account_id",
    (BYTEA,),
    _key,
    by_hash=True,
)
_ACCOUNTS = Lookup(
    f"SELECT t.id, {_ACCOUNT_COLUMNS} FROM unnest(%s) AS k(tenant_id) "
    "JOIN tenants t ON t.id = k.tenant_id JOIN accounts ON accounts.id = t.account_id",
    (BIGINT,),
    _account,
)


class PostgresKeys:
    def __init__(self, reads: MergedReads) -> None:
        self._reads = reads

    async def find(self, digest: bytes) -> KeyRecord | None:
        return await self._reads.one(_KEYS, digest)

    async def find_all(self, digests: Sequence[bytes]) -> Mapping[bytes, KeyRecord]:
        found = await self._reads.all(_KEYS, [(digest,) for digest in digests])
        return {digest: record for (digest,), record in found.items()}


class PostgresAccounts:
    def __init__(self, reads: MergedReads) -> None:
        self._reads = reads

    async def find(self, tenant: Tenant) -> Account | None:
        return await self._reads.one(_ACCOUNTS, tenant.id)
