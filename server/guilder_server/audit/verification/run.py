"""Carrying the proof out, and printing what was found.

All of it in one repeatable-read snapshot, so that work may go on meanwhile.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg

from guilder_server.audit.verification.chain import Altered, Walk
from guilder_server.audit.verification.checkpoints import check_checkpoints
from guilder_server.postgres import marks
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection

ENTRIES = "every entry is as it was written, in its place, and none is missing"
CHECKPOINTS = "the chain passes through every checkpoint, and each is signed"


async def verify(database_url: str, account: str | None, since: Path | None) -> int:
    """Print what was checked; 1 at the first difference, which is named.

    With `since`, only what has been chained since the file was last written is checked, and the
    file is written anew if that is sound. Raises Unreadable if it is no such file.
    """
    known = None if since is None else marks.read(since)
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        try:
            ends = await _checked(connection, account, known)
        except psycopg.errors.UndefinedTable:
            print("guilder: There is no audit trail in this database yet.", file=sys.stderr)
            return 1
    if ends is None:
        return 1
    if since is not None:
        marks.write(since, {**(known or {}), **ends})
    print("The audit trail is sound.")
    return 0


async def _checked(
    connection: Connection, account: str | None, known: dict[str, Mark] | None
) -> dict[str, Mark] | None:
    """Where the chains end, if all is sound."""
    if account is not None and not await _is_there(connection, account):
        print(
            f"guilder: There is no account {account}. `guilder accounts list` shows those there "
            "are.",
            file=sys.stderr,
        )
        return None
    walk = Walk(connection, account, known or {}, incremental=known is not None)
    began, claim = time.monotonic(), ENTRIES
    try:
        await walk.run()
        took_s = time.monotonic() - began
        print(f"ok      {ENTRIES}")
        more = f"; {walk.waiting} commits wait for their place" if walk.waiting else ""
        print(f"        {walk.entries} entries, {walk.entries / took_s:.0f} a second{more}")
        claim = CHECKPOINTS
        keys = await check_checkpoints(connection, account)
    except Altered as altered:
        print(f"FAILED  {claim}")
        print(f"guilder: {altered}", file=sys.stderr)
        return None
    print(f"ok      {CHECKPOINTS}")
    for key in sorted(keys):
        print(f"        by {key}")
    if known is not None:
        print("Only what came since was checked. Without --since everything is.")
    return walk.ends


async def _is_there(connection: Connection, account: str) -> bool:
    found = await connection.execute("SELECT FROM accounts WHERE id = %s", [account])
    return await found.fetchone() is not None
