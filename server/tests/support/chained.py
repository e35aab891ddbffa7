"""What the worker does for the ledger, done once: everything is chained, a checkpoint signed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256

from guilder_server.audit.domain.checkpoint import CHECKPOINTS as AUDIT_CHECKPOINTS
from guilder_server.audit.infra.chaining import PostgresAuditChain
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.heads import Signing
from guilder_server.kernel.ids import Ids
from guilder_server.ledger.domain.checkpoint import CHECKPOINTS
from guilder_server.ledger.infra.chaining import PostgresChain
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.signing import Signer

SIGNING_KEY = sha256(b"tests").hexdigest()


async def chained(database_url: str, signing_key: str = SIGNING_KEY) -> None:
    pool, clock = Pool(database_url), SystemClock()
    await pool.open()
    try:
        chain = PostgresChain(pool)
        await chain.extend()
        await Signing(
            chain, CHECKPOINTS, Signer(signing_key), Ids(clock), clock, timedelta()
        ).sign()
    finally:
        await pool.close()


def chain(database_url: str) -> None:
    asyncio.run(chained(database_url))


async def audited(database_url: str, signing_key: str = SIGNING_KEY) -> None:
    """The same for the audit trail."""
    pool, clock = Pool(database_url), SystemClock()
    await pool.open()
    try:
        trail = PostgresAuditChain(pool)
        await trail.extend()
        signer = Signer(signing_key)
        await Signing(trail, AUDIT_CHECKPOINTS, signer, Ids(clock), clock, timedelta()).sign()
    finally:
        await pool.close()
