"""All that is kept of people, on the connection of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import psycopg

from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.changes import Changes
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import Holder, Identity, Member, User
from guilder_server.people.domain.reset import Reset
from guilder_server.people.domain.session import Session
from guilder_server.people.domain.state import State
from guilder_server.people.infra import named
from guilder_server.people.infra.rows import (
    INVITATION,
    RESET,
    SESSION,
    STATE,
    USER,
    listed,
    marks,
    values,
)
from guilder_server.postgres import keys, trail
from guilder_server.postgres.isolation import PEOPLE, REQUESTS, About, about, in_force
from guilder_server.postgres.pool import Connection

Cursor: TypeAlias = psycopg.AsyncCursor[tuple[Any, ...]]

_MEMBER = (
    f"SELECT m.account_id, m.role, m.created, a.name, {listed(USER, 'u')} FROM memberships m "
    "JOIN users u ON u.id = m.user_id JOIN accounts a ON a.id = m.account_id"
)
_USER = f"SELECT {listed(USER)} FROM users"
_INVITATION = f"SELECT {listed(INVITATION)} FROM invitations"
_OPEN = "accepted_at IS NULL AND revoked_at IS NULL"
_PROGRAM = "SELECT FROM unnest(%s::bigint[], %s::text[]) AS k(tenant_id, id)"
_LASTING = (
    f"{_PROGRAM} JOIN api_keys USING (tenant_id, id) "
    "WHERE revoked_at IS NULL AND expires_at IS NULL AND allowed_addresses = '[]' UNION ALL "
    f"{_PROGRAM} JOIN oauth_clients USING (tenant_id, id) WHERE deleted_at IS NULL"
)
_MOST = 1000


class Books:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def account(self, id: str) -> Holder | None:
        wanted = "SELECT id, name, status = 'closed' FROM accounts WHERE id = %s"
        row = await self._one(named.account(id), wanted, id)
        return None if row is None else Holder(*row)

    async def user(self, id: str) -> User | None:
        return _user(await self._one(named.person(id), f"{_USER} WHERE id = %s FOR UPDATE", id))

    async def user_of_email(self, email: str) -> User | None:
        return _user(await self._one(named.email(email), f"{_USER} WHERE email = %s", email))

    async def user_of_identity(self, identity: Identity) -> User | None:
        wanted = (
            f"SELECT {listed(USER, 'u')} FROM users u JOIN identities i ON i.user_id = u.id "
            "WHERE i.issuer = %s AND i.subject = %s"
        )
        return _user(
            await self._one(named.identity(identity), wanted, identity.issuer, identity.subject)
        )

    async def has_identity(self, user: str) -> bool:
        found = await self._one(
            named.person(user), "SELECT EXISTS (SELECT FROM identities WHERE user_id = %s)", user
        )
        return found is not None and bool(found[0])

    async def add_user(self, user: User) -> bool:
        return await self._done(
            named.person(user.id),
            f"INSERT INTO users ({listed(USER)}) VALUES ({marks(USER)}) ON CONFLICT DO NOTHING",
            *values(user),
        )

    async def change_user(self, user: User) -> None:
        await self._done(
            named.person(user.id),
            "UPDATE users SET name = %s, password = %s, totp = %s, totp_step = %s, "
            "disabled_at = %s WHERE id = %s",
            *(user.name, user.password, user.totp, user.totp_step, user.disabled_at, user.id),
        )

    async def take_step(self, user: str, step: int) -> bool:
        return await self._done(
            named.person(user),
            "UPDATE users SET totp_step = %s "
            "WHERE id = %s AND (totp_step IS NULL OR totp_step < %s)",
            *(step, user, step),
        )

    async def add_identity(self, identity: Identity, user: str, now: datetime) -> bool:
        return await self._done(
            named.person(user),
            "INSERT INTO identities (issuer, subject, user_id, created) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            *(identity.issuer, identity.subject, user, now),
        )

    async def member(self, account: str, user: str) -> Member | None:
        return await self._member(account, user, "FOR UPDATE OF m")

    async def member_as_is(self, account: str, user: str) -> Member | None:
        return await self._member(account, user, "FOR SHARE OF m")

    async def members(self, account: str | None = None) -> Sequence[Member]:
        order = "ORDER BY u.id DESC, m.account_id"
        if account is None:
            rows = await self._all(named.EVERYBODY, f"{_MEMBER} {order}")
        else:
            wanted = f"{_MEMBER} WHERE m.account_id = %s {order}"
            rows = await self._all(named.account(account), wanted, account)
        return [_member(row) for row in rows]

    async def memberships(self, user: str) -> Sequence[Member]:
        wanted = f"{_MEMBER} WHERE m.user_id = %s ORDER BY m.account_id"
        return [_member(row) for row in await self._all(named.person(user), wanted, user)]

    async def owners(self, account: str) -> Sequence[str]:
        rows = await self._all(
            named.account(account),
            "SELECT m.user_id FROM memberships m JOIN users u ON u.id = m.user_id "
            "WHERE m.account_id = %s AND m.role = 'owner' AND u.disabled_at IS NULL "
            "ORDER BY m.user_id FOR UPDATE OF m",
            account,
        )
        return [id for (id,) in rows]

    async def put_member(self, member: Member) -> None:
        await self._done(
            named.account(member.account),
            "INSERT INTO memberships (account_id, user_id, role, created) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role",
            *(member.account, member.user.id, member.role, member.since),
        )

    async def remove_member(self, account: str, user: str) -> None:
        await self._done(
            named.account(account),
            "DELETE FROM memberships WHERE account_id = %s AND user_id = %s",
            account,
            user,
        )

    async def add_invitation(self, digest: bytes, invitation: Invitation) -> bool:
        return await self._done(
            named.account(invitation.account),
            f"INSERT INTO invitations (hash, {listed(INVITATION)}) "
            f"VALUES (%s, {marks(INVITATION)}) "
            f"ON CONFLICT (account_id, email) WHERE {_OPEN} DO NOTHING",
            *(digest, *values(invitation)),
        )

    async def invitation(self, account: str, id: str) -> Invitation | None:
        wanted = f"{_INVITATION} WHERE account_id = %s AND id = %s FOR UPDATE"
        return _invitation(await self._one(named.account(account), wanted, account, id))

    async def invitation_of(self, digest: bytes) -> Invitation | None:
        return _invitation(
            await self._one(
                named.digest(digest), f"{_INVITATION} WHERE hash = %s FOR UPDATE", digest
            )
        )

    async def invitations(self, account: str) -> Sequence[Invitation]:
        rows = await self._all(
            named.account(account),
            f"{_INVITATION} WHERE account_id = %s ORDER BY id DESC LIMIT {_MOST}",
            account,
        )
        return [Invitation(*row) for row in rows]

    async def invitations_to(self, email: str) -> Sequence[Invitation]:
        rows = await self._all(
            named.email(email),
            f"{_INVITATION} WHERE email = %s AND {_OPEN} ORDER BY id FOR UPDATE",
            email,
        )
        return [Invitation(*row) for row in rows]

    async def change_invitation(self, invitation: Invitation) -> None:
        await self._done(
            named.account(invitation.account),
            "UPDATE invitations SET accepted_at = %s, accepted_by = %s, revoked_at = %s "
            "WHERE account_id = %s AND id = %s",
            *(invitation.accepted_at, invitation.accepted_by, invitation.revoked_at),
            *(invitation.account, invitation.id),
        )

    async def program_lasts(self, account: str, id: str) -> bool:
        """A key or a client, which this role knows nothing of: read as a request would read it."""
        await self._connection.execute(*about(named.account(account)))
        wanted = "SELECT id FROM tenants WHERE account_id = %s"
        tenants = [number for (number,) in await self._rows(wanted, account)]
        await self._connection.execute(f"SET LOCAL ROLE {REQUESTS}")
        await self._connection.execute(*in_force(tenants))
        ids = [id] * len(tenants)
        lasting = await self._rows(_LASTING, tenants, ids, tenants, ids)
        await self._connection.execute(f"SET LOCAL ROLE {PEOPLE}")
        return bool(lasting)

    async def add_session(self, digest: bytes, session: Session) -> None:
        await self._done(
            named.person(session.user_id),
            f"INSERT INTO sessions (hash, {listed(SESSION)}) VALUES (%s, {marks(SESSION)})",
            *(digest, *values(session)),
        )

    async def sessions(self, user: str, now: datetime) -> Sequence[Session]:
        rows = await self._all(
            named.person(user),
            f"SELECT {listed(SESSION)} FROM sessions WHERE user_id = %s "
            f"AND revoked_at IS NULL AND expires_at > %s ORDER BY id DESC LIMIT {_MOST}",
            *(user, now),
        )
        return [Session(*row) for row in rows]

    async def end_sessions(
        self, user: str, now: datetime, only: str | None = None, but: str | None = None
    ) -> int:
        cursor = await self._about(
            named.person(user),
            "UPDATE sessions SET revoked_at = %s WHERE user_id = %s AND revoked_at IS NULL "
            "AND id = coalesce(%s, id) AND id IS DISTINCT FROM %s",
            *(now, user, only, but),
        )
        return cursor.rowcount

    async def add_recovery_codes(self, user: str, digests: Sequence[bytes]) -> None:
        await self._done(
            named.person(user),
            "INSERT INTO recovery_codes (user_id, hash) SELECT %s, unnest(%s::bytea[])",
            *(user, list(digests)),
        )

    async def take_recovery_code(self, user: str, digest: bytes) -> bool:
        return await self._done(
            named.person(user),
            "DELETE FROM recovery_codes WHERE user_id = %s AND hash = %s",
            *(user, digest),
        )

    async def count_recovery_codes(self, user: str) -> int:
        row = await self._one(
            named.person(user), "SELECT count(*) FROM recovery_codes WHERE user_id = %s", user
        )
        assert row is not None
        return int(row[0])

    async def forget_recovery_codes(self, user: str) -> None:
        await self._done(named.person(user), "DELETE FROM recovery_codes WHERE user_id = %s", user)

    async def put_reset(self, digest: bytes, reset: Reset) -> None:
        await self._done(
            named.person(reset.user_id),
            f"INSERT INTO password_resets (hash, {listed(RESET)}) VALUES (%s, {marks(RESET)}) "
            "ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, "
            "created = excluded.created, expires_at = excluded.expires_at, used_at = NULL",
            *(digest, *values(reset)),
        )

    async def reset(self, digest: bytes) -> Reset | None:
        wanted = f"SELECT {listed(RESET)} FROM password_resets WHERE hash = %s"
        row = await self._one(named.digest(digest), wanted, digest)
        return None if row is None else Reset(*row)

    async def use_reset(self, user: str, now: datetime) -> None:
        await self._done(
            named.person(user),
            "UPDATE password_resets SET used_at = coalesce(used_at, %s) WHERE user_id = %s",
            *(now, user),
        )

    async def add_state(self, digest: bytes, state: State) -> None:
        await self._done(
            named.digest(digest),
            f"INSERT INTO sign_in_states (hash, {listed(STATE)}) VALUES (%s, {marks(STATE)})",
            *(digest, *values(state)),
        )

    async def state(self, digest: bytes) -> State | None:
        wanted = f"SELECT {listed(STATE)} FROM sign_in_states WHERE hash = %s FOR UPDATE"
        row = await self._one(named.digest(digest), wanted, digest)
        return None if row is None else State(*row)

    async def use_state(self, digest: bytes, user: str | None, now: datetime) -> None:
        await self._done(
            named.digest(digest),
            "UPDATE sign_in_states SET used_at = coalesce(used_at, %s), user_id = %s "
            "WHERE hash = %s",
            *(now, user, digest),
        )

    async def count_attempt(self, subject: bytes, now: datetime, window: timedelta) -> int:
        row = await self._one(
            named.digest(subject),
            "INSERT INTO sign_in_attempts AS a (subject, since, count) VALUES (%s, %s, 1) "
            "ON CONFLICT (subject) DO UPDATE SET "
            "since = CASE WHEN a.since <= %s THEN excluded.since ELSE a.since END, "
            "count = CASE WHEN a.since <= %s THEN 1 ELSE a.count + 1 END RETURNING count",
            *(subject, now, now - window, now - window),
        )
        assert row is not None
        return int(row[0])

    async def forget_attempts(self, subject: bytes) -> None:
        await self._done(
            named.digest(subject), "DELETE FROM sign_in_attempts WHERE subject = %s", subject
        )

    async def claim(self, changes: Changes) -> None:
        await keys.claim(self._connection, changes)

    async def append(self, account: str, entry: AuditEntry) -> None:
        await self._connection.execute(*about(named.account(account)))
        await trail.append(self._connection, account, entry)

    async def _member(self, account: str, user: str, locked: str) -> Member | None:
        wanted = f"{_MEMBER} WHERE m.account_id = %s AND m.user_id = %s {locked}"
        row = await self._one(named.account(account), wanted, account, user)
        return None if row is None else _member(row)

    async def _rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return await (await self._connection.execute(statement, parameters)).fetchall()

    async def _one(self, what: About, statement: str, *parameters: Any) -> tuple[Any, ...] | None:
        return await (await self._about(what, statement, *parameters)).fetchone()

    async def _all(self, what: About, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return await (await self._about(what, statement, *parameters)).fetchall()

    async def _done(self, what: About, statement: str, *parameters: Any) -> bool:
        """Whether any row was written."""
        return (await self._about(what, statement, *parameters)).rowcount > 0

    async def _about(self, what: About, statement: str, *parameters: Any) -> Cursor:
        async with self._connection.pipeline():
            await self._connection.execute(*about(what))
            return await self._connection.execute(statement, parameters)


def _user(row: tuple[Any, ...] | None) -> User | None:
    return None if row is None else User(*row)


def _member(row: tuple[Any, ...]) -> Member:
    account, role, since, name, *rest = row
    return Member(account, role, since, User(*rest), name)


def _invitation(row: tuple[Any, ...] | None) -> Invitation | None:
    return None if row is None else Invitation(*row)
