"""What the worker does for the ledger, done once: everything is chained, a checkpoint signed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256

from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.ledger.flows.checkpoints import Signing
from guilder_server.ledger.infra.chaining import PostgresChain
from guilder_server.ledger.infra.signing import Signer
from guilder_server.postgres.pool import Pool

SIGNING_KEY = sha256(b"tests").hexdigest()


async def chained(database_url: str, signing_key: str = SIGNING_KEY) -> None:
    pool, clock = Pool(database_url), SystemClock()
    await pool.open()
    try:
        chain = PostgresChain(pool)
        await chain.extend()
        await Signing(chain, Signer(signing_key), Ids(clock), clock, timedelta()).sign()
    finally:
        await pool.close()


def chain(database_url: str) -> None:
    asyncio.run(chained(database_url))
