"""A new password for somebody who has forgotten theirs: by a link from whoever runs the server.

The link replaces the password and nothing else: to sign in takes their codes as before.
"""

from __future__ import annotations

from guilder_server.kernel.clock import unix
from guilder_server.kernel.errors import NotFound, Refused
from guilder_server.people.domain import passwords, tokens
from guilder_server.people.domain import reset as resets
from guilder_server.people.domain.person import User
from guilder_server.people.domain.refusals import Reason, SignInRefused
from guilder_server.people.domain.reset import NewReset, Reset
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows.inviting import By
from guilder_server.people.flows.renewing import set_password
from guilder_server.people.flows.sessions import Sessions
from guilder_server.people.flows.throttling import may_try
from guilder_server.people.flows.trail import Trail, of_visitor, tell_refusal
from guilder_server.people.ports import People, Tools

PAGE = "/new-password"


class Resetting:
    def __init__(self, tools: Tools, sessions: Sessions) -> None:
        self._tools, self._sessions = tools, sessions

    async def link(self, by: By, user: str) -> NewReset:
        """In the place of one that was made before. Raises Refused for who has no password."""
        tools, now, token = self._tools, self._tools.clock.now(), tokens.new()
        made = Reset(user, now, now + resets.LIFETIME)
        async with tools.store.transaction() as people:
            found = await people.user(user)
            if found is None:
                raise NotFound("user", user)
            if found.password is None:
                raise Refused(
                    "password_not_set",
                    f"{found.email} signs in with the provider and has no password here.",
                    "user",
                )
            await people.put_reset(self._digest(token), made)
            trail = Trail(tools, people, by.actor, by.request_id)
            await trail.tell_all(found, "reset_password", {"expires_at": unix(made.expires_at)})
        return NewReset(found, made.expires_at, f"{tools.public_url}{PAGE}/{token}")

    async def look(self, visitor: Visitor, token: str) -> User:
        """Whose password the link sets. Raises SignInRefused."""
        async with self._tools.store.transaction() as people:
            user, reason = await self._owner(people, token)
            if reason is not None:
                await tell_refusal(self._tools, people, visitor, reason, user)
        if user is None or reason is not None:
            raise SignInRefused(reason or "reset_ended")
        return user

    async def set(self, visitor: Visitor, token: str, password: str) -> None:
        """Good once; all their sessions end. Raises SignInRefused and InvalidRequest."""
        tools = self._tools
        user = await self.look(visitor, token)
        passwords.require_good(password, user.email)
        async with tools.store.transaction() as people:
            # Nobody guesses a link, but each password takes a while to hash.
            allowed = await may_try(tools, people, visitor, f"reset {user.id}")
        if not allowed:
            raise SignInRefused("throttled")
        hashed = await tools.passwords.hash(password)
        async with tools.store.transaction() as people:
            found, reason = await self._owner(people, token)
            if reason is None and found is not None:
                await set_password(tools, people, found, hashed)
                trail = Trail(tools, people, of_visitor(visitor, found))
                await trail.tell_all(found, "change_password", {"by": "link"})
            else:
                await tell_refusal(tools, people, visitor, reason or "reset_ended", user)
        self._sessions.forget(user.id)
        if reason is not None:
            raise SignInRefused(reason)

    async def _owner(self, people: People, token: str) -> tuple[User | None, Reason | None]:
        """Whose link it is, be it good or not. Nobody else uses it or makes another one until the
        transaction has ended: they wait for the person."""
        digest = self._digest(token)
        reset = await people.reset(digest)
        user = None if reset is None else await people.user(reset.user_id)
        if user is None:
            return None, "reset_ended"
        reset = await people.reset(digest)
        if reset is None or not reset.good(self._tools.clock.now()):
            return user, "reset_ended"
        return user, "user_disabled" if user.disabled_at is not None else None

    def _digest(self, token: str) -> bytes:
        return tokens.digest(self._tools.pepper, "reset", token)
