"""Accounts and keys in PostgreSQL, as `guilder dev` makes them and requests find them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa

from guilder_server.http.auth import Credential
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.api import Credentials
from guilder_server.tenancy.bootstrap import DevAccount, ensure_dev_account, open_account
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import new_key
from guilder_server.tenancy.flows.accounts import Accounts
from guilder_server.tenancy.flows.keyring import Keyring
from guilder_server.tenancy.infra.store import PostgresAccounts, PostgresKeys
from guilder_server.tenancy.views import view_account
from tests.tenancy.database import Database, opened
from tests.tenancy.shapes import wrong_with

pytestmark = pytest.mark.anyio


@dataclass
class Peppered:
    key_pepper: str = "p" * 32


SETTINGS = Peppered()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, []) as database:
        yield database


@pytest.fixture
def credentials(database: Database) -> Credentials:
    pepper = SETTINGS.key_pepper.encode()
    return Credentials(Keyring(PostgresKeys(database.reads), pepper, SystemClock()))


def opened_account(url: str, **wishes: object) -> DevAccount:
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        return open_account(connection, SETTINGS.key_pepper.encode(), **wishes)


async def test_the_development_account_is_made_once(database_url: str) -> None:
    first = await ensure_dev_account(database_url, SETTINGS)
    again = await ensure_dev_account(
        database_url, SETTINGS, first.secret_key, first.publishable_key
    )
    assert again == first
    with psycopg.connect(database_url) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM tenants), "
            "(SELECT count(*) FROM api_keys)"
        ).fetchone()
    assert counts == (1, 2, 2)


async def test_keys_that_were_lost_are_replaced_for_the_same_account(
    database_url: str, credentials: Credentials
) -> None:
    first = await ensure_dev_account(database_url, SETTINGS)
    again = await ensure_dev_account(database_url, SETTINGS)
    assert again.account == first.account
    assert again.secret_key != first.secret_key
    assert await credentials.find(again.secret_key) is not None


async def test_a_key_stands_for_its_tenant(database_url: str, credentials: Credentials) -> None:
    made = await ensure_dev_account(database_url, SETTINGS)
    secret = await credentials.find(made.secret_key)
    publishable = await credentials.find(made.publishable_key)
    assert isinstance(secret, Credential)
    assert secret.tenant == Tenant(made.tenant_id, made.account, livemode=False)
    assert secret.kind == "secret"
    assert secret.permissions is None
    assert publishable is not None
    assert publishable.kind == "publishable"


async def test_no_key_is_stored_in_clear(database_url: str) -> None:
    made = await ensure_dev_account(database_url, SETTINGS)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT a::text FROM api_keys a").fetchall()
    for (row,) in rows:
        assert made.secret_key[11:-6] not in row
        assert made.publishable_key[11:-6] not in row


async def test_accounts_and_modes_do_not_share_keys(
    database_url: str, credentials: Credentials
) -> None:
    test = opened_account(database_url, name="Both modes")
    live = opened_account(database_url, account=test.account, livemode=True)
    other = opened_account(database_url)
    assert live.account == test.account
    tenants = {(await credentials.find(one.secret_key)).tenant for one in (test, live, other)}
    assert len(tenants) == 3
    with pytest.raises(ValueError, match="another account"):
        opened_account(database_url, secret_key=test.secret_key)
    with pytest.raises(ValueError, match="not a key of this mode"):
        opened_account(database_url, secret_key=live.secret_key)


async def test_a_restricted_key_may_do_what_it_lists_and_no_more(
    database_url: str, credentials: Credentials
) -> None:
    restricted = new_key("restricted", False)
    opened_account(database_url, secret_key=restricted)
    found = await credentials.find(restricted)
    assert found is not None
    assert found.permissions == frozenset()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """UPDATE api_keys SET permissions = '["charges:read"]' WHERE kind = 'restricted'"""
        )
    credentials._keyring._known.clear()
    found = await credentials.find(restricted)
    assert found is not None
    assert found.permissions == frozenset({"charges:read"})


async def test_a_revoked_key_is_not_found(database_url: str, credentials: Credentials) -> None:
    made = opened_account(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE api_keys SET revoked_at = now() WHERE kind = 'secret'")
    assert await credentials.find(made.secret_key) is None
    assert await credentials.find(made.publishable_key) is not None


async def test_the_account_of_a_key_is_found_and_shown(
    database_url: str, database: Database
) -> None:
    made = await ensure_dev_account(database_url, SETTINGS)
    accounts = Accounts(PostgresAccounts(database.reads))
    tenant = Tenant(made.tenant_id, made.account, livemode=False)
    account = await accounts.of(tenant)
    assert account.name == "Development"
    shown = view_account(account, tenant)
    assert wrong_with("Account", shown) == []
    assert shown["charges_enabled"] is True
    with pytest.raises(NotFound):
        await accounts.of(Tenant(99, "acct_none", livemode=False))


def test_a_full_account_is_shown_as_the_contract_says() -> None:
    account = Account(
        id="acct_1",
        created=datetime(2026, 11, 20, tzinfo=UTC),
        country="NL",
        default_currency="eur",
        name="Guilder & Sons",
        email="desk@example.com",
        url="https://example.com",
        business_type="company",
        statement_descriptor="GUILDER",
        timezone="Europe/Amsterdam",
        metadata={"branch": "7"},
    )
    assert wrong_with("Account", view_account(account, Tenant(1, "acct_1", True))) == []
