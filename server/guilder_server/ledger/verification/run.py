"""Carrying the proofs out, and printing what was found.

All of them run in one repeatable-read snapshot, so that payments may go on meanwhile. The chain
comes first: it names the very row that was altered, where sums only tell that one was.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg

from guilder_server.ledger.infra.walking import BY_KEY
from guilder_server.ledger.verification import arithmetic, payments, payouts, wallets
from guilder_server.ledger.verification.chain import (
    CHECKPOINTS,
    COVERED,
    ROWS,
    Altered,
    Walk,
    check_checkpoints,
)
from guilder_server.ledger.verification.proof import Proof
from guilder_server.postgres import marks
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection

_CURRENCIES = """
SELECT a.currency, count(DISTINCT (a.tenant_id, a.id)), count(e.amount),
       coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
       coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0)
FROM ledger_accounts a
LEFT JOIN ledger_entries e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
GROUP BY 1 ORDER BY 1
"""
# Every proof reads whole tables to their end. The planner hopes for an early difference and for
# few rows, and would walk one table for each row of another: minutes for fifty thousand payments.
WHOLE_TABLES = (
    "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; "
    "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; "
    "SET LOCAL work_mem = '64MB'"
)


async def verify(database_url: str, since: Path | None = None) -> int:
    """Print what was checked; 1 at the first difference, which is named.

    With `since`, only what has been committed since the file was last written is checked, and the
    file is written anew if that is sound. Raises Unreadable if it is no such file.
    """
    known = None if since is None else marks.read(since)
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        try:
            ends = await (_everything(connection) if known is None else _news(connection, known))
        except psycopg.errors.UndefinedTable:
            print("guilder: There is no ledger in this database yet.", file=sys.stderr)
            return 1
    if ends is None:
        return 1
    if since is not None:
        marks.write(since, {**(known or {}), **ends})
    print("The ledger is sound.")
    return 0


async def _everything(connection: Connection) -> dict[str, Mark] | None:
    """Where the chains end, if all is sound."""
    for currency, accounts, entries, debits, credits_ in await (
        await connection.execute(_CURRENCIES)
    ).fetchall():
        print(
            f"{currency}: {accounts} accounts, {entries} entries, "
            f"debits {debits}, credits {credits_}"
        )
    ends = await _walked(connection, Walk(connection, {}, incremental=False))
    if ends is None:
        return None
    await connection.execute(WHOLE_TABLES)
    if not (await _holds(connection, COVERED) and await _checkpoints_hold(connection)):
        return None
    for proof in (
        *(*arithmetic.PROOFS, *payments.PROOFS),
        *(*wallets.PROOFS, *payouts.PROOFS),
    ):
        if not await _holds(connection, proof):
            return None
    return ends


async def _news(connection: Connection, known: dict[str, Mark]) -> dict[str, Mark] | None:
    """The same of what came after `known`."""
    ends = await _walked(connection, Walk(connection, known, incremental=True))
    if ends is None or not await _checkpoints_hold(connection):
        return None
    print("Only what came since was checked, and no sums. Without --since everything is.")
    return ends


async def _walked(connection: Connection, walk: Walk) -> dict[str, Mark] | None:
    await connection.execute(BY_KEY)
    began = time.monotonic()
    try:
        await walk.run()
    except Altered as altered:
        _failed(ROWS, str(altered))
        return None
    took_s = time.monotonic() - began
    print(f"ok      {ROWS}")
    rate = f"{walk.entries} entries in {walk.blocks} blocks, {walk.entries / took_s:.0f} a second"
    waiting = await (await connection.execute("SELECT count(*) FROM ledger_backlog")).fetchone()
    assert waiting is not None
    more = f"; {walk.waiting} blocks wait for their place" if walk.waiting else ""
    if waiting[0]:
        more += f"; {waiting[0]} transactions from before the chain wait for their block"
    print(f"        {rate}{more}")
    return walk.ends


async def _checkpoints_hold(connection: Connection) -> bool:
    try:
        keys = await check_checkpoints(connection)
    except Altered as altered:
        _failed(CHECKPOINTS, str(altered))
        return False
    print(f"ok      {CHECKPOINTS}")
    for key in sorted(keys):
        print(f"        by {key}")
    if not keys:
        print("        none is there: `guilder worker` signs with GUILDER_LEDGER_SIGNING_KEY")
    return True


async def _holds(connection: Connection, proof: Proof) -> bool:
    found = await (await connection.execute(proof.differences)).fetchone()
    if found is not None:
        _failed(proof.claim, found[0])
        return False
    print(f"ok      {proof.claim}")
    return True


def _failed(claim: str, sentence: str) -> None:
    print(f"FAILED  {claim}")
    print(f"guilder: {sentence}", file=sys.stderr)
