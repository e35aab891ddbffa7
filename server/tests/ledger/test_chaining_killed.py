"""A worker that is killed while it chains leaves a chain that goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from guilder_server.kernel.tenant import Tenant
from guilder_server.settings import Settings, environment_of
from tests.ledger.altering import laid_open
from tests.ledger.desk import opened, wish
from tests.support.api import FINGERPRINT_KEY, PEPPER, SEALING_KEY, new_account
from tests.support.chained import SIGNING_KEY, chained
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.servers import environment, guilder

pytestmark = pytest.mark.anyio

KILLS = 3
# Chains without a pause, as no worker does, so that a kill comes into the middle of a round.
_CHAINING = """
import asyncio, sys
from guilder_server.ledger.infra import chaining
from guilder_server.postgres.pool import Pool

chaining._AT_ONCE = 3

async def chain():
    pool = Pool(sys.argv[1])
    await pool.open()
    print("open", flush=True)
    while True:
        await chaining.PostgresChain(pool).extend()

asyncio.run(chain())
"""


async def test_a_chain_whose_worker_is_killed_again_and_again_is_sound(
    postgres: TestDatabases,
) -> None:
    with postgres.database() as url:
        async with opened(url) as desk:
            tenant = desk.tenant()
            one, other = [await desk.open(tenant, code) for code in ("one", "other")]
            for _ in range(KILLS):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", _CHAINING, url), stdout=subprocess.PIPE
                )
                assert process.stdout is not None
                assert await process.stdout.readline() == b"open\n"
                for n in range(1, 41):
                    await desk.post(tenant, (one, other, n))
                process.kill()
                await process.wait()
            placed = "SELECT count(*) FROM ledger_blocks WHERE position IS NOT NULL"
            assert (await desk.rows(placed))[0][0] > 0
            await chained(url)
            assert (await desk.rows(placed))[0][0] == 40 * KILLS
            async with laid_open(url.replace("://guilder@", "://postgres@")) as books:
                assert await books.difference() is None


@pytest.fixture
def settings(fresh_database_url: str) -> Settings:
    return Settings(
        database_url=fresh_database_url,
        key_pepper=PEPPER,
        fingerprint_key=FINGERPRINT_KEY,
        sealing_key=SEALING_KEY,
        ledger_signing_key=SIGNING_KEY,
        ledger_checkpoint_s=0,
    )


async def test_the_worker_chains_and_signs(settings: Settings, tmp_path: Path) -> None:
    url = settings.required_database_url
    account = new_account(url)
    async with opened(url) as desk:
        tenant = Tenant(account.tenant_id, account.account, livemode=False)
        one, other = [await desk.open(tenant, code) for code in ("one", "other")]
        await desk.post_all(tenant, *[wish([(one, other, 5)])] * 3, atomic=True)
    with (tmp_path / "log").open("wb") as log:
        worker = await asyncio.create_subprocess_exec(
            *guilder("worker"), env=environment(environment_of(settings)), stderr=log
        )

    def signed() -> bool:
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "SELECT position, transactions FROM ledger_checkpoints"
            ).fetchall()
        return rows == [(1, 3)]

    try:
        assert eventually(signed), (tmp_path / "log").read_text()
    finally:
        worker.terminate()
        await asyncio.wait_for(worker.wait(), 30)
