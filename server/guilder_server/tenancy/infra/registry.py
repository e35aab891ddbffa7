"""The books of accounts and keys, written by those who run the server, on one connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.trail import append_now
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import IssuedKey, KeyRecord
from guilder_server.tenancy.infra.tables import accounts, api_keys, tenants

_ACCOUNT = [accounts.c[field.name] for field in fields(Account)]
_KEYS = sa.select(
    api_keys, tenants.c.account_id, tenants.c.livemode, accounts.c.status.label("account_status")
).select_from(api_keys.join(tenants, tenants.c.id == api_keys.c.tenant_id).join(accounts))
_CONNECTING = {"connect_timeout": 10, "options": "-c lock_timeout=10s"}


@contextmanager
def transaction(database_url: str) -> Iterator[sa.Connection]:
    """Kept if the context ends well, and else nothing of it. Raises psycopg's own errors."""
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        connect_args={k: v for k, v in _CONNECTING.items() if k not in url.query},
        hide_parameters=True,
    )
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise (error.orig or error) from None


class PostgresRegistry:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_account(self, account: Account) -> None:
        self._connection.execute(accounts.insert().values(asdict(account)))
        for livemode in (False, True):
            self.tenant(account.id, livemode)

    def account(self, id: str) -> Account | None:
        # Weaker than what a row of `tenants` takes to refer to it, so that no request waits.
        wanted = sa.select(*_ACCOUNT).where(accounts.c.id == id).with_for_update(key_share=True)
        row = self._connection.execute(wanted).mappings().one_or_none()
        return None if row is None else Account(**row)

    def accounts(self) -> Sequence[Account]:
        rows = self._connection.execute(
            sa.select(*_ACCOUNT).order_by(accounts.c.created, accounts.c.id)
        )
        return [Account(**row) for row in rows.mappings()]

    def change_account(self, account: Account) -> None:
        self._connection.execute(
            accounts.update().where(accounts.c.id == account.id).values(status=account.status)
        )

    def tenant(self, account: str, livemode: bool) -> Tenant:
        found = sa.select(tenants.c.id).where(
            tenants.c.account_id == account, tenants.c.livemode == livemode
        )
        tenant_id: int | None = self._connection.scalar(found)
        if tenant_id is None:
            made = tenants.insert().values(account_id=account, livemode=livemode)
            tenant_id = self._connection.scalar(made.returning(tenants.c.id))
        assert tenant_id is not None
        return Tenant(tenant_id, account, livemode)

    def add_key(self, digest: bytes, key: IssuedKey) -> bool:
        record = key.record
        added = (
            insert(api_keys)
            .values(
                tenant_id=record.tenant.id,
                id=record.id,
                hash=digest,
                kind=record.kind,
                last4=record.last4,
                permissions=sa.null() if record.permissions is None else list(record.permissions),
                created=key.created,
                expires_at=record.expires_at,
                revoked_at=record.revoked_at,
                name=key.name,
            )
            .on_conflict_do_nothing(index_elements=["hash"])
            .returning(api_keys.c.id)
        )
        return self._connection.scalar(added) is not None

    def record(self, account: str, entry: AuditEntry) -> None:
        append_now(self._connection, account, entry)

    def key(self, id: str) -> IssuedKey | None:
        wanted = _KEYS.where(api_keys.c.id == id).with_for_update(of=api_keys)
        return self._key(wanted)

    def key_of(self, digest: bytes) -> IssuedKey | None:
        return self._key(_KEYS.where(api_keys.c.hash == digest))

    def keys(self, account: str | None = None) -> Sequence[IssuedKey]:
        wanted = _KEYS.order_by(api_keys.c.created, api_keys.c.id)
        if account is not None:
            wanted = wanted.where(tenants.c.account_id == account)
        return [_issued(row) for row in self._connection.execute(wanted).mappings()]

    def change_key(self, key: IssuedKey) -> None:
        record = key.record
        self._connection.execute(
            api_keys.update()
            .where(api_keys.c.tenant_id == record.tenant.id, api_keys.c.id == record.id)
            .values(
                expires_at=record.expires_at,
                revoked_at=record.revoked_at,
                replaced_by=key.replaced_by,
            )
        )

    def _key(self, wanted: sa.Select[Any]) -> IssuedKey | None:
        row = self._connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _issued(row)


def _issued(row: sa.RowMapping) -> IssuedKey:
    permissions = row["permissions"]
    record = KeyRecord(
        id=row["id"],
        tenant=Tenant(row["tenant_id"], row["account_id"], row["livemode"]),
        kind=row["kind"],
        last4=row["last4"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        permissions=None if permissions is None else tuple(permissions),
        account_status=row["account_status"],
    )
    return IssuedKey(record, row["created"], row["name"], row["replaced_by"])
