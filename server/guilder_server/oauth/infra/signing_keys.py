"""The keys that sign tokens, as PostgreSQL keeps them: their private halves under seal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from guilder_server.oauth.domain import signing
from guilder_server.oauth.domain.signing import SigningKey
from guilder_server.oauth.infra.signatures import new_key, purpose
from guilder_server.postgres.pool import Connection, Pool
from guilder_server.postgres.seals import Seals

_LOCK = 7_311_846  # any number that is ours
_public = msgspec.json.Decoder(dict[str, str])
_ALL = "SELECT kid, created, signs_from, signs_until, public, sealed FROM oauth_signing_keys"
_ADD = (
    "INSERT INTO oauth_signing_keys (kid, created, signs_from, signs_until, public, sealed) "
    "VALUES (%s, %s, %s, %s, %s::jsonb, %s)"
)
_FORGET = "DELETE FROM oauth_signing_keys WHERE kid = ANY(%s)"


class PostgresSigningKeys:
    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool, self._seals = pool, seals

    async def all(self) -> Sequence[SigningKey]:
        async with self._pool.jobs.query() as connection:
            return await _all(connection)

    async def rotate(self, now: datetime, period: timedelta) -> int:
        async with self._pool.jobs.query() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            keys = await _all(connection)
            over = {key.kid for key in keys} - {one.kid for one in signing.published(keys, now)}
            wanted = signing.missing(keys, now, period)
            for starts, ends in wanted:
                public, private = new_key()
                sealed = self._seals.seal(private, purpose(public["kid"]))
                text = msgspec.json.encode(public).decode()
                row = [public["kid"], now, starts, ends, text, sealed]
                await connection.execute(_ADD, row)
            if over:
                await connection.execute(_FORGET, [sorted(over)])
        return len(wanted) + len(over)


async def _all(connection: Connection) -> list[SigningKey]:
    rows = await (await connection.execute(_ALL)).fetchall()
    return [
        SigningKey(kid, created, starts, ends, _public.decode(public), bytes(sealed))
        for kid, created, starts, ends, public, sealed in rows
    ]
