"""Carrying the proof out, and printing what was found.

All of it in one repeatable-read snapshot, so that work may go on meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from guilder_server.audit.verification.chain import Altered, Walk
from guilder_server.audit.verification.checkpoints import check_checkpoints
from guilder_server.postgres import marks
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection

ENTRIES = "every entry is as it was written, in its place, and none is missing"
CHECKPOINTS = "the chain passes through every checkpoint, and each is signed"


class NoSuchAccount(Exception):
    """The message says where to see those there are."""


@dataclass(slots=True)
class Proof:
    """What was checked; `refuted` is what is not so, and `altered` the first that shows it. `ends`
    is where the chains end."""

    entries: int = 0
    waiting: int = 0
    took_s: float = 0.0
    keys: list[str] = field(default_factory=list)
    incremental: bool = False
    ends: dict[str, Mark] = field(default_factory=dict)
    refuted: str | None = None
    altered: str | None = None


async def verify(
    database_url: str, account: str | None, since: Path | None, *, as_json: bool = False
) -> int:
    """Print what was checked; 1 at the first difference, which is named.

    With `since`, only what has been chained since the file was last written is checked, and the
    file is written anew if that is sound. Raises Unreadable if it is no such file, and
    NoSuchAccount.
    """
    known = None if since is None else marks.read(since)
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        proof = await _proof(connection, account, known)
    if since is not None and proof.refuted is None:
        marks.write(since, {**(known or {}), **proof.ends})
    (_show_document if as_json else _show)(proof)
    if proof.altered is not None:
        print(f"guilder: {proof.altered}", file=sys.stderr)
    return 0 if proof.refuted is None else 1


async def _proof(
    connection: Connection, account: str | None, known: dict[str, Mark] | None
) -> Proof:
    if account is not None and not await _is_there(connection, account):
        raise NoSuchAccount(
            f"There is no account {account}. `guilder accounts list` shows those there are."
        )
    walk = Walk(connection, account, known or {}, incremental=known is not None)
    proof, began, claim = Proof(incremental=known is not None), time.monotonic(), ENTRIES
    try:
        await walk.run()
        proof.entries, proof.waiting, proof.ends = walk.entries, walk.waiting, walk.ends
        proof.took_s = time.monotonic() - began
        claim = CHECKPOINTS
        proof.keys = sorted(await check_checkpoints(connection, account))
    except Altered as altered:
        proof.refuted, proof.altered = claim, str(altered)
    return proof


def _show(proof: Proof) -> None:
    if proof.refuted != ENTRIES:
        per_s = proof.entries / proof.took_s
        more = f"; {proof.waiting} commits wait for their place" if proof.waiting else ""
        print(f"ok      {ENTRIES}\n        {proof.entries} entries, {per_s:.0f} a second{more}")
    if proof.refuted is not None:
        print(f"FAILED  {proof.refuted}")
        return
    print(f"ok      {CHECKPOINTS}")
    for key in proof.keys:
        print(f"        by {key}")
    if not proof.keys:
        print("        none is there: `guilder worker` signs with GUILDER_LEDGER_SIGNING_KEY")
    if proof.incremental:
        print("Only what came since was checked. Without --since everything is.")
    print("The audit trail is sound.")


def _show_document(proof: Proof) -> None:
    document = {
        "object": "audit_verification",
        "sound": proof.refuted is None,
        "entries": proof.entries,
        "waiting": proof.waiting,
        "incremental": proof.incremental,
        "public_keys": proof.keys,
        "refuted": proof.refuted,
        "altered": proof.altered,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


async def _is_there(connection: Connection, account: str) -> bool:
    found = await connection.execute("SELECT FROM accounts WHERE id = %s", [account])
    return await found.fetchone() is not None
