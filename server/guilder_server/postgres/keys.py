"""Idempotency keys: claimed in the transaction of the work that they stand for.

A key and its final answer arrive together with the work, or not at all; there is no moment in
which one exists without the other. When a gateway has to be asked in between, the key is first
claimed as "started" and later finished, by whoever still holds its fence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.changes import Changes, KeyClaim, KeyTaken
from guilder_server.postgres.columns import BIGINT, BYTEA, INSTANT, INTEGER, TEXT
from guilder_server.postgres.committer import Part
from guilder_server.postgres.isolation import COMMITS, PEOPLE, in_force
from guilder_server.postgres.pool import Connection, Pool
from guilder_server.postgres.reads import Lookup
from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column
from guilder_server.postgres.statements import Statement

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    tenant_column(),
    id_column("key"),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer, nullable=False, comment="0 while the request is running"),
    sa.Column("response", sa.LargeBinary, nullable=False, comment="a snapshot"),
    instant_column("created"),
    instant_column("lease_until", nullable=True),
    sa.Column("fence", sa.Text, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "key"),
    sa.Index("idempotency_keys_created", "created", postgresql_using="brin"),
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    fingerprint: bytes
    status: int
    response: bytes
    created: datetime
    lease_until: datetime | None
    fence: str | None


KEY_LOOKUP = Lookup(
    "SELECT i.tenant_id, i.key, fingerprint, status, response, created, lease_until, fence "
    "FROM unnest(%s, %s) AS k(tenant_id, key) JOIN idempotency_keys i USING (tenant_id, key)",
    (BIGINT, TEXT),
    lambda row: KeyRecord(*row),
)

_COLUMNS = "tenant_id, key, fingerprint, status, response, created, lease_until, fence"
_TYPES = (BIGINT, TEXT, BYTEA, INTEGER, BYTEA, INSTANT, INSTANT, TEXT)
_CLAIM = (
    f"INSERT INTO idempotency_keys ({_COLUMNS}) SELECT * FROM unnest({', '.join(['%s'] * 8)}) "
    "ON CONFLICT DO NOTHING RETURNING tenant_id, key"
)
_LOCK = (
    "SELECT i.tenant_id, i.key FROM unnest(%s, %s, %s) AS k(tenant_id, key, fence) "
    "JOIN idempotency_keys i USING (tenant_id, key) "
    "WHERE i.status = 0 AND i.fence = k.fence ORDER BY 1, 2 FOR NO KEY UPDATE OF i"
)
_FINISH = (
    "UPDATE idempotency_keys i SET status = v.status, response = v.response, lease_until = NULL "
    "FROM unnest(%s, %s, %s, %s) AS v(tenant_id, key, status, response) "
    "WHERE i.tenant_id = v.tenant_id AND i.key = v.key"
)
_RELEASE = (
    "DELETE FROM idempotency_keys i USING unnest(%s, %s) AS v(tenant_id, key) "
    "WHERE i.tenant_id = v.tenant_id AND i.key = v.key"
)


# Of one request, in a transaction that is not the committer's.
_CLAIM_ONE = (
    f"INSERT INTO idempotency_keys ({_COLUMNS}) VALUES ({', '.join(['%s'] * 8)}) "
    "ON CONFLICT DO NOTHING"
)


def _claim_of(changes: Changes) -> tuple[str, list[Any]]:
    key = changes.key
    assert key is not None
    kept = (key.fingerprint, key.status, key.response, key.created, key.lease_until, key.fence)
    return _CLAIM_ONE, [changes.tenant.id, key.key, *kept]


async def claim(connection: Connection, changes: Changes) -> None:
    """Claims the key of these changes, if they have one, as the last thing in a transaction of
    people, whose role knows no keys. Waits for whoever is about to claim it too. Raises KeyTaken:
    then nothing of the transaction may be kept."""
    if changes.key is None:
        return
    await connection.execute(f"SET LOCAL ROLE {COMMITS}")
    await connection.execute(*in_force([changes.tenant.id]))
    done = await connection.execute(*_claim_of(changes))
    await connection.execute(f"SET LOCAL ROLE {PEOPLE}")
    if not done.rowcount:
        raise KeyTaken(changes.key.key)


def claim_now(connection: sa.Connection, changes: Changes) -> None:
    """As `claim`, on a connection of SQLAlchemy's that writes what requests have decided and
    has named their tenant."""
    if changes.key is None:
        return
    sql, values = _claim_of(changes)
    if not connection.exec_driver_sql(sql, tuple(values)).rowcount:
        raise KeyTaken(changes.key.key)


Place = tuple[int, str]  # tenant, key


class Keys(Part):
    """Claims and finishes the keys of a batch; no two sets of it carry the same one."""

    def __init__(self, sets: Sequence[Changes]) -> None:
        claims = {_place(changes, changes.key): changes.key for changes in sets if changes.key}
        in_order = [(place, claims[place]) for place in sorted(claims)]
        self._new = {place: claim for place, claim in in_order if claim.finishes is None}
        self._finishing = {place: claim for place, claim in in_order if claim.finishes is not None}
        self._held: set[Place] = set()
        self._granted: set[Place] = set()

    def first(self) -> list[Statement]:
        statements: list[Statement] = []
        if self._new:
            rows = [
                (*place, c.fingerprint, c.status, c.response, c.created, c.lease_until, c.fence)
                for place, c in self._new.items()
            ]
            columns = zip(*rows, strict=True)
            arrays = [kind.array(column) for kind, column in zip(_TYPES, columns, strict=True)]
            statements.append((_CLAIM, arrays))
        if self._finishing:
            fences = TEXT.array([claim.finishes for claim in self._finishing.values()])
            statements.append((_LOCK, [*_arrays(self._finishing), fences]))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        self._held = {(tenant, key) for rows in results for tenant, key in rows}

    def refusal(self, changes: Changes) -> Exception | None:
        if changes.key and _place(changes, changes.key) not in self._held:
            return KeyTaken(changes.key.key)
        return None

    def grant(self, changes: Changes) -> None:
        if changes.key:
            self._granted.add(_place(changes, changes.key))

    def second(self) -> list[Statement]:
        statements: list[Statement] = []
        finished = [place for place in self._finishing if place in self._granted]
        if finished:
            statuses = INTEGER.array([self._finishing[place].status for place in finished])
            responses = BYTEA.array([self._finishing[place].response for place in finished])
            statements.append((_FINISH, [*_arrays(finished), statuses, responses]))
        # A set that was refused for another reason leaves its key free for the next try.
        released = [place for place in self._new if place in self._held - self._granted]
        if released:
            statements.append((_RELEASE, _arrays(released)))
        return statements


def _place(changes: Changes, claim: KeyClaim) -> Place:
    return (changes.tenant.id, claim.key)


def _arrays(places: Collection[Place]) -> list[bytes]:
    return [
        BIGINT.array([tenant for tenant, _ in places]),
        TEXT.array([key for _, key in places]),
    ]


# Clients retry for hours, not for days; the official ones give up within minutes.
KEPT = timedelta(hours=72)
_PRUNE = """
DELETE FROM idempotency_keys WHERE ctid IN (
    SELECT ctid FROM idempotency_keys WHERE created < %s AND status <> 0
    LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""


async def prune_keys(pool: Pool, now: datetime) -> int:
    """Forget keys that nobody will repeat; one that is not finished is never forgotten."""
    pruned = 0
    async with pool.jobs.query() as connection:
        while True:
            gone = (await connection.execute(_PRUNE, [now - KEPT])).rowcount
            pruned += gone
            if gone < 10_000:
                return pruned
