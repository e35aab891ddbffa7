"""Accounts that were there before get an organization, both of their sides, and counters that begin
with what they have used this month."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from guilder_server.postgres.migrate import upgrade
from guilder_server.usage.infra.books import differences
from tests.support.postgres import TestDatabases

_BEFORE = """
INSERT INTO accounts (id, created, country, default_currency, name, timezone, metadata)
VALUES ('acct_1', now(), 'NL', 'eur', 'Shoes', 'Etc/UTC', '{}'),
       ('acct_2', now(), 'NL', 'eur', NULL, 'Etc/UTC', '{}');
INSERT INTO tenants (account_id, livemode) VALUES ('acct_1', false);
INSERT INTO wallets (tenant_id, id, version, created, status, currency, floor, ledger_account_id,
                     limits, metadata)
SELECT 1, id, 1, now(), status, 'usd', 0, id, '{}', '{}'
FROM (VALUES ('wal_1', 'open'), ('wal_2', 'closed'), ('wal_3', 'frozen')) AS w (id, status);
"""


@pytest.fixture
def filled_url(postgres: TestDatabases) -> Iterator[str]:
    """A database of the version before, with accounts in it."""
    with postgres.of_version("0008") as url:
        with psycopg.connect(url) as connection:
            connection.execute(_BEFORE)
        yield url


def test_an_account_gets_an_organization_its_sides_and_its_counters(filled_url: str) -> None:
    upgrade(filled_url)
    with psycopg.connect(filled_url) as connection:
        accounts = connection.execute(
            "SELECT a.id, o.id, o.name, a.plan, count(t) FROM accounts a "
            "JOIN organizations o ON o.id = a.organization_id "
            "JOIN tenants t ON t.account_id = a.id GROUP BY 1, 2, 3, 4 ORDER BY 1"
        ).fetchall()
        counted = connection.execute(
            "SELECT tenant_id, payments, wallets FROM usage_counters ORDER BY 1"
        ).fetchall()
    assert accounts == [("acct_1", "org_1", "Shoes", None, 2), ("acct_2", "org_2", None, None, 2)]
    assert counted[0] == (1, 0, 2)
    assert len(counted) == 4
    assert differences(filled_url) == (4, [])
