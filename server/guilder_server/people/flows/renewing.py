"""Another password, and new recovery codes, for somebody who has signed in.

A session alone is not enough: it may have been left open on somebody else's desk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from guilder_server.kernel.errors import Refused
from guilder_server.kernel.steps import Claiming
from guilder_server.people.domain import passwords, tokens
from guilder_server.people.domain.person import User
from guilder_server.people.domain.refusals import ProofRefused, Reason
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows.claiming import answered
from guilder_server.people.flows.second_factor import new_recovery_codes, take_code
from guilder_server.people.flows.sessions import Sessions
from guilder_server.people.flows.throttling import forget, guessed_code, may_try
from guilder_server.people.flows.trail import Trail, of_visitor
from guilder_server.people.ports import People, Tools


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, through which session and from where; `claims` is what is kept of the answer, for
    whoever asks over HTTP."""

    user: str
    session: str
    visitor: Visitor
    request_id: str | None = None
    claims: Claiming | None = None


class Renewing:
    def __init__(self, tools: Tools, sessions: Sessions) -> None:
        self._tools, self._sessions = tools, sessions

    async def change_password(self, asking: Asking, old: str, new: str) -> None:
        """Their other sessions end, and so does a link to set a password with. Raises
        ProofRefused, InvalidRequest about `new_password`, and Refused."""
        tools, doing = self._tools, "change_password"
        user = await self._user(asking)
        passwords.require_good(new, user.email, "new_password")
        await self._prove(asking, user, old, doing)
        hashed = await tools.passwords.hash(new)
        async with tools.store.transaction() as people:
            found = await people.user(user.id)
            reason = _changed(user, found)
            if reason is not None:
                await self._tell(people, asking, user, doing, reason)
            elif found is not None:
                await set_password(tools, people, found, hashed, but=asking.session)
                after = {"session": asking.session}
                await self._trail(people, asking, found).tell_all(found, doing, after)
                await answered(people, asking.claims, None)
        self._sessions.forget(user.id)
        if reason is not None:
            raise ProofRefused(reason)

    async def recovery_codes(self, asking: Asking, password: str, code: str) -> tuple[str, ...]:
        """Ten new ones; those before are good no more. Raises ProofRefused and Refused."""
        tools, doing = self._tools, "create_recovery_codes"
        user = await self._user(asking)
        await self._prove(asking, user, password, doing)
        made: tuple[str, ...] = ()
        async with tools.store.transaction() as people:
            found = await people.user(user.id)
            reason = _changed(user, found)
            if reason is None and not await may_try(
                tools, people, asking.visitor, guessed_code(user.id)
            ):
                reason = "throttled"
            reason = reason or await take_code(tools, people, found, code)
            if reason is None:
                made = await new_recovery_codes(tools, people, user.id)
                for guessed in (user.email, guessed_code(user.id)):
                    await forget(tools, people, guessed)
                trail = self._trail(people, asking, user)
                await trail.tell_all(user, doing, {"remaining": len(made)})
                await answered(people, asking.claims, made)
            else:
                await self._tell(people, asking, user, doing, reason)
        if reason is not None:
            raise ProofRefused(reason)
        return made

    async def _user(self, asking: Asking) -> User:
        """Raises Refused for whoever has no password to change, nor codes beside one."""
        async with self._tools.store.transaction() as people:
            user = await people.user(asking.user)
        if user is None or user.password is None:
            raise Refused(
                "password_not_set",
                "You sign in with your provider and have no password here. Change it there.",
            )
        return user

    async def _prove(self, asking: Asking, user: User, password: str, doing: str) -> None:
        """Raises ProofRefused. The guess is counted first, with those at the sign-in."""
        tools = self._tools
        async with tools.store.transaction() as people:
            allowed = await may_try(tools, people, asking.visitor, user.email)
        if allowed and await tools.passwords.matches(user.password, password):
            return
        reason: Reason = "password_wrong" if allowed else "throttled"
        async with tools.store.transaction() as people:
            await self._tell(people, asking, user, doing, reason)
        raise ProofRefused(reason)

    async def _tell(
        self, people: People, asking: Asking, user: User, doing: str, reason: Reason
    ) -> None:
        trail = self._trail(people, asking, user)
        await trail.refusal("proof_refused", user, reason, {"for": doing})

    def _trail(self, people: People, asking: Asking, user: User) -> Trail:
        return Trail(self._tools, people, of_visitor(asking.visitor, user), asking.request_id)


async def set_password(
    tools: Tools, people: People, user: User, hashed: str, *, but: str | None = None
) -> None:
    """All that let them in by the one before ends, save one session."""
    await people.change_user(replace(user, password=hashed))
    await people.end_sessions(user.id, tools.clock.now(), but=but)
    await people.use_reset(user.id, tools.clock.now())
    await forget(tools, people, user.email)


def _changed(before: User, now: User | None) -> Reason | None:
    """Whether what they proved themselves with is what counts, now that nobody changes it."""
    if now is None or now.disabled_at is not None:
        return "user_disabled"
    same = tokens.same(before.password or "", now.password or "")
    return None if same else "password_wrong"
