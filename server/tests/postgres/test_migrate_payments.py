"""Payment intents that were there before keep the secret that their customers were given."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.infra.store import PostgresPayments
from guilder_server.postgres.migrate import upgrade
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from tests.support.postgres import TestDatabases

_BEFORE = """
INSERT INTO payment_intents (tenant_id, id, version, created, status, amount, currency,
    client_secret, payment_method_types, capture_method, confirmation_method, amount_capturable,
    amount_received, authentication, increments, metadata)
VALUES (1, 'pi_1', 1, now(), 'succeeded', 2000, 'usd', 'pi_1_secret_a_secret_b', '["card"]',
    'automatic', 'automatic', 0, 2000, 'none', 0, '{}')
"""


@pytest.fixture
def filled_url(postgres: TestDatabases) -> Iterator[str]:
    """A database of the version before, with a payment intent in it."""
    with postgres.of_version("0017") as url:
        with psycopg.connect(url) as connection:
            connection.execute(_BEFORE)
        yield url


async def test_a_payment_intent_keeps_its_client_secret(filled_url: str) -> None:
    upgrade(filled_url)
    pool = Pool(filled_url)
    await pool.open()
    try:
        payments = PostgresPayments(pool, MergedReads(pool))
        kept = await payments.intent(Tenant(1, "acct_1", False), "pi_1")
    finally:
        await pool.close()
    assert kept is not None
    assert kept.client_secret == "pi_1_secret_a_secret_b"
