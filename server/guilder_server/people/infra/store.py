"""People as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypedDict

import msgspec

from guilder_server.people.domain.person import User
from guilder_server.people.domain.session import Known, Place, Session
from guilder_server.people.infra import named
from guilder_server.people.infra.books import Books
from guilder_server.people.infra.rows import SESSION, USER, listed
from guilder_server.people.ports import People
from guilder_server.postgres.isolation import about
from guilder_server.postgres.pool import Pool


class _Place(TypedDict):
    account: str
    role: str
    status: str
    test: int
    live: int
    plan: str | None


_places = msgspec.json.Decoder(list[_Place])

# Where somebody is a member, with the tenants of each account.
_PLACES = """
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'account', m.account_id, 'role', m.role, 'status', a.status,
        'test', t.id, 'live', l.id, 'plan', a.plan) ORDER BY m.account_id), '[]')
    FROM memberships m
    JOIN accounts a ON a.id = m.account_id
    JOIN tenants t ON t.account_id = m.account_id AND NOT t.livemode
    JOIN tenants l ON l.account_id = m.account_id AND l.livemode
    WHERE m.user_id = s.user_id
"""


def _known(row: Sequence[Any]) -> Known:
    session = Session(**dict(zip(SESSION, row, strict=False)))
    user = User(**dict(zip(USER, row[len(SESSION) :], strict=False)))
    return Known(session, user, tuple(Place(**place) for place in _places.decode(row[-1])))


_SESSION = (
    f"SELECT {listed(SESSION, 's')}, {listed(USER, 'u')}, ({_PLACES}) "
    "FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = %s"
)


class PostgresPeople:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[People]:
        async with self._pool.people() as connection, connection.transaction():
            yield Books(connection)

    async def session(self, digest: bytes) -> Known | None:
        async with self._pool.people() as connection, connection.pipeline():
            await connection.execute(*about(named.digest(digest)))
            row = await (await connection.execute(_SESSION, (digest,))).fetchone()
        return None if row is None else _known(row)

    async def note_seen(self, session: Session, now: datetime) -> None:
        async with self._pool.people() as connection, connection.pipeline():
            await connection.execute(*about(named.person(session.user_id)))
            await connection.execute(
                "UPDATE sessions SET last_seen = greatest(last_seen, %s) "
                "WHERE user_id = %s AND id = %s",
                (now, session.user_id, session.id),
            )

    async def prune(self, sessions_before: datetime, states_before: datetime) -> int:
        async with self._pool.jobs.query() as connection:
            counted = 0
            for statement, before in (
                ("DELETE FROM sessions WHERE expires_at < %s", sessions_before),
                ("DELETE FROM sign_in_states WHERE expires_at < %s", states_before),
                ("DELETE FROM password_resets WHERE expires_at < %s", states_before),
                ("DELETE FROM sign_in_attempts WHERE since < %s", states_before),
            ):
                counted += (await connection.execute(statement, (before,))).rowcount
            return counted
