"""Sessions: begun at a sign-in, found with each request, ended by time or by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from guilder_server.kernel.errors import NotFound, Unauthenticated
from guilder_server.kernel.steps import Claiming
from guilder_server.people.domain import tokens
from guilder_server.people.domain.person import User
from guilder_server.people.domain.session import (
    LONGEST_AGENT,
    NOTED_EVERY,
    NOUN,
    Factor,
    Known,
    NewSession,
    SeenSession,
    Session,
    Visitor,
)
from guilder_server.people.flows.claiming import answered
from guilder_server.people.flows.trail import Trail, of_visitor
from guilder_server.people.ports import People, Tools

# A session that was revoked is refused within this time.
KNOWN_FOR_S = 5.0
MOST_REMEMBERED = 10_000


async def begin(
    tools: Tools, people: People, user: User, visitor: Visitor, factor: Factor
) -> NewSession:
    """A session that nobody had before, whatever the browser held."""
    now, token = tools.clock.now(), tokens.new()
    session = Session(
        id=tools.ids.new("sess"),
        user_id=user.id,
        created=now,
        last_seen=now,
        expires_at=now + tools.lifetime,
        factor=factor,
        address=visitor.address,
        user_agent=(visitor.user_agent or "")[:LONGEST_AGENT] or None,
    )
    await people.add_session(tokens.digest(tools.pepper, "session", token), session)
    trail = Trail(tools, people, of_visitor(visitor, user))
    await trail.tell_all(user, "sign_in", {"session": session.id, "factor": factor})
    return NewSession(token, session)


class Sessions:
    """Finds what a token stands for, and remembers it for a moment."""

    def __init__(self, tools: Tools, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._tools, self._elapsed = tools, elapsed
        self._known: dict[bytes, tuple[float, Known]] = {}

    async def find(self, token: str) -> Known:
        """Raises Unauthenticated."""
        digest = tokens.digest(self._tools.pepper, "session", token)
        known = await self._remembered(digest)
        now = self._tools.clock.now()
        if (
            known is None
            or known.user.disabled_at is not None
            or not known.session.lasts(now, self._tools.idle)
        ):
            raise Unauthenticated(
                "This session has ended. Sign in again at /sign-in.", code="session_ended"
            )
        if now - known.session.last_seen >= NOTED_EVERY:
            await self._tools.store.note_seen(known.session, now)
            self._note_seen(digest, now)
        return known

    def csrf_token(self, session: str) -> str:
        return tokens.digest(self._tools.pepper, "csrf", session).hex()

    async def mine(self, user: str) -> Sequence[Session]:
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            listed = await people.sessions(user, now)
        return [one for one in listed if one.lasts(now, self._tools.idle)]

    async def seen(self, id: str, user: str) -> SeenSession:
        """The session that asks."""
        async with self._tools.store.transaction() as people:
            person = await people.user(user)
            memberships = await people.memberships(user)
            sessions = await people.sessions(user, self._tools.clock.now())
            left = await people.count_recovery_codes(user)
        session = next((one for one in sessions if one.id == id), None)
        if person is None or session is None:
            raise NotFound(NOUN, id)
        has_codes = person.password is not None
        return SeenSession(
            *(session, person, True, tuple(memberships), self.csrf_token(id)),
            recovery_codes=left if has_codes else None,
        )

    async def revoke(
        self,
        id: str,
        user: str,
        visitor: Visitor,
        action: str = "revoke_session",
        request_id: str | None = None,
        claims: Claiming | None = None,
    ) -> tuple[Session, User]:
        """For good. Raises NotFound for what is not theirs or has ended."""
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            person = await people.user(user)
            sessions = await people.sessions(user, now)
            found = next((one for one in sessions if one.id == id), None)
            if person is None or found is None:
                raise NotFound(NOUN, id, NOUN)
            await people.end_sessions(user, now, only=id)
            trail = Trail(self._tools, people, of_visitor(visitor, person), request_id)
            await trail.tell_all(person, action, {"session": id})
            ended = await answered(people, claims, (replace(found, revoked_at=now), person))
        self.forget(user)
        return ended

    def forget(self, user: str) -> None:
        """What changed for a person is known to this process at once, to others within seconds."""
        self._known = {
            digest: entry for digest, entry in self._known.items() if entry[1].user.id != user
        }

    async def _remembered(self, digest: bytes) -> Known | None:
        entry = self._known.get(digest)
        if entry is not None and entry[0] > self._elapsed():
            return entry[1]
        # From before the question: what is revoked meanwhile is not known for longer.
        until = self._elapsed() + KNOWN_FOR_S
        known = await self._tools.store.session(digest)
        if known is not None:
            self._known.pop(digest, None)
            while len(self._known) >= MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[digest] = (until, known)
        return known

    def _note_seen(self, digest: bytes, now: datetime) -> None:
        """What was forgotten meanwhile stays so, and nothing is known for longer."""
        entry = self._known.get(digest)
        if entry is not None:
            until, known = entry
            seen = replace(known.session, last_seen=now)
            self._known[digest] = (until, replace(known, session=seen))
