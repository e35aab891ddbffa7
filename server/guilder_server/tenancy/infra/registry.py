"""The books of accounts and keys, written by those who run the server, on one connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.tenant import OPERATOR, Tenant
from guilder_server.postgres.isolation import COMMITS, as_role, in_force
from guilder_server.postgres.keys import claim_now
from guilder_server.postgres.trail import append_now, append_own_now
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import ApiKey, IssuedKey
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.infra.tables import (
    API_KEYS,
    accounts,
    api_keys,
    credential_uses,
    organizations,
    tenants,
)

_ORGANIZATION = [organizations.c[field.name] for field in fields(Organization)]
_ACCOUNT = [accounts.c[field.name] for field in fields(Account)]
_USED = sa.and_(
    credential_uses.c.tenant_id == api_keys.c.tenant_id, credential_uses.c.id == api_keys.c.id
)
_KEYS = sa.select(
    api_keys,
    tenants.c.account_id,
    tenants.c.livemode,
    accounts.c.status.label("account_status"),
    credential_uses.c.last_used_at,
).select_from(
    api_keys.join(tenants, tenants.c.id == api_keys.c.tenant_id)
    .join(accounts, accounts.c.id == tenants.c.account_id)
    .outerjoin(credential_uses, _USED)
)
_CONNECTING = {"connect_timeout": 10, "options": "-c lock_timeout=10s"}


@contextmanager
def transaction(database_url: str, *, over_http: bool = False) -> Iterator[sa.Connection]:
    """Kept if the context ends well, and else nothing of it. Raises psycopg's own errors.

    Over HTTP the operator writes in the role of any request, and not with all that the login may.
    """
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    given = {k: v for k, v in _CONNECTING.items() if k not in url.query}
    if over_http:
        options = url.query.get("options", _CONNECTING["options"])
        given["options"] = f"{options} {as_role(COMMITS)}"
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=given, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if over_http:
                sql, values = in_force([OPERATOR.id])
                connection.exec_driver_sql(sql, tuple(values))
            yield connection
    except sa.exc.DBAPIError as error:
        raise (error.orig or error) from None


class PostgresRegistry:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_organization(self, organization: Organization) -> None:
        self._connection.execute(organizations.insert().values(asdict(organization)))

    def organization(self, id: str) -> Organization | None:
        wanted = sa.select(*_ORGANIZATION).where(organizations.c.id == id)
        row = self._connection.execute(wanted).mappings().one_or_none()
        return None if row is None else Organization(**row)

    def organizations(self) -> Sequence[Organization]:
        rows = self._connection.execute(
            sa.select(*_ORGANIZATION).order_by(organizations.c.created, organizations.c.id)
        )
        return [Organization(**row) for row in rows.mappings()]

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
            accounts.update()
            .where(accounts.c.id == account.id)
            .values(status=account.status, plan=account.plan, version=accounts.c.version + 1)
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

    def add_key(self, key: IssuedKey) -> bool:
        values = {name: getattr(key.key, name) for name in API_KEYS.names}
        if key.key.permissions is None:
            values["permissions"] = sa.null()  # as JSON it would be a value
        added = (
            insert(api_keys)
            .values(tenant_id=key.tenant.id, **values)
            .on_conflict_do_nothing(index_elements=["hash"])
            .returning(api_keys.c.id)
        )
        return self._connection.scalar(added) is not None

    def claim(self, changes: Changes) -> None:
        claim_now(self._connection, changes)

    def record(self, account: str | None, entry: AuditEntry) -> None:
        if account is None:
            append_own_now(self._connection, entry)
        else:
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
        changed = key.key
        self._connection.execute(
            api_keys.update()
            .where(api_keys.c.tenant_id == key.tenant.id, api_keys.c.id == key.id)
            .values(
                expires_at=changed.expires_at,
                revoked_at=changed.revoked_at,
                replaced_by=changed.replaced_by,
                version=changed.version,
            )
        )

    def _key(self, wanted: sa.Select[Any]) -> IssuedKey | None:
        row = self._connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _issued(row)


def _issued(row: sa.RowMapping) -> IssuedKey:
    values = {name: row[name] for name in API_KEYS.names}
    for listed in ("permissions", "allowed_addresses"):
        values[listed] = None if values[listed] is None else tuple(values[listed])
    tenant = Tenant(row["tenant_id"], row["account_id"], row["livemode"])
    return IssuedKey(ApiKey(**values), tenant, row["account_status"], row["last_used_at"])
