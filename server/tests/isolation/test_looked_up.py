"""That tenants are kept apart costs as much among many as among few: what is read of tenants and
accounts is looked up, and never found by going through all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from guilder_server.kernel.clock import SystemClock
from guilder_server.postgres.columns import BIGINT, BYTEA
from guilder_server.postgres.pool import Connection
from guilder_server.tenancy.infra.store import _ACCOUNTS, _KEYS
from guilder_server.usage.domain.plans import Plan, Plans
from guilder_server.usage.infra.counters import Shared, nothing
from guilder_server.usage.infra.spent import Spent
from tests.isolation.test_walls import opened

_MANY = """
INSERT INTO organizations (id, version, created, metadata)
VALUES ('org_1', 1, now(), '{}');
INSERT INTO accounts (id, created, country, default_currency, timezone, metadata, status, version,
    organization_id)
SELECT 'acct_' || n, now(), 'NL', 'eur', 'Etc/UTC', '{}', 'active', 1, 'org_1'
FROM generate_series(1, 500) n;
INSERT INTO tenants (account_id, livemode)
SELECT id, livemode FROM accounts, (VALUES (true), (false)) AS modes (livemode);
ANALYZE accounts, tenants;
"""


@pytest.fixture
def many(fresh_database_url: str) -> str:
    """A database of a thousand tenants."""
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute(_MANY)
    return fresh_database_url


async def test_a_key_is_found_without_its_neighbours(many: str) -> None:
    async with opened(many) as pool, pool.lookup((), [b"hash"]) as connection:
        await _assert_looked_up(connection, _KEYS.sql, [BYTEA.array([b"hash"])])


async def test_an_account_is_found_without_its_neighbours(many: str) -> None:
    async with opened(many) as pool, pool.lookup([7, 8], ()) as connection:
        await _assert_looked_up(connection, _ACCOUNTS.sql, [BIGINT.array([7, 8])])


@pytest.mark.parametrize("far", [False, True], ids=["under lock", "far from a quota"])
async def test_counters_are_locked_in_order_and_without_a_look_at_others(
    many: str, far: bool
) -> None:
    hundred = Plan("hundred", True, {"payments": 100})
    shared = Shared(Plans({"hundred": hundred}, hundred), SystemClock(), Spent())
    adding = shared.adding([7, 8], "2026-11", [nothing(), nothing()], far=far)
    async with opened(many) as pool, pool.transaction([7, 8]) as connection:
        plan = await _assert_looked_up(connection, *adding)
    kinds = [node["Node Type"] for node in _nodes(plan)]
    # Each row is found from the array, which is in order, and nothing is put in another.
    assert next(kind for kind in kinds if kind.endswith("Scan")) == "Function Scan"
    assert not {"Hash Join", "Merge Join", "Sort"} & {*kinds}


async def _assert_looked_up(
    connection: Connection, sql: str, values: Sequence[bytes]
) -> dict[str, Any]:
    cursor = await connection.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
    [([explained],)] = await cursor.fetchall()
    read = [node for node in _nodes(explained["Plan"]) if "Relation Name" in node]
    read = [node for node in read if node["Node Type"] != "ModifyTable"]
    assert {"accounts", "tenants"} <= {node["Relation Name"] for node in read}
    for node in read:
        assert "Index Cond" in node or "Recheck Cond" in node, node
    plan: dict[str, Any] = explained["Plan"]
    return plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)
