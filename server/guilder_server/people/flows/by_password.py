"""Signing in with a password and a code, for those who have no provider.

An unknown email and a wrong password take as long and are answered alike. A code is taken once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.domain import person, tokens
from guilder_server.people.domain.person import User
from guilder_server.people.domain.refusals import Reason, SignInRefused
from guilder_server.people.domain.session import Factor, NewSession, Visitor
from guilder_server.people.domain.state import StateKind
from guilder_server.people.flows import states
from guilder_server.people.flows.backing import obstacle
from guilder_server.people.flows.joining import accept
from guilder_server.people.flows.second_factor import (
    new_recovery_codes,
    sealed,
    take_code,
    take_recovery_code,
)
from guilder_server.people.flows.sessions import begin
from guilder_server.people.flows.states import Kept
from guilder_server.people.flows.throttling import forget, guessed_code, may_try
from guilder_server.people.flows.trail import Trail, of_visitor, tell_refusal
from guilder_server.people.ports import People, Tools

# What only an authenticator tells, and what is on paper.
_FACTORS: dict[bool, Factor] = {False: "password_and_code", True: "password_and_recovery_code"}


@dataclass(frozen=True, slots=True)
class Step:
    """What comes after the password: a code, or enrolling for codes. `token` goes on with it."""

    kind: StateKind
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is told, once."""

    email: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)


class ByPassword:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def password(self, visitor: Visitor, email: str, password: str) -> Step:
        """Raises SignInRefused."""
        tools = self._tools
        user, allowed = await self._counted(visitor, email)
        if not allowed:
            raise SignInRefused("throttled")
        kept = None if user is None else user.password
        right = await tools.passwords.matches(kept, password)
        async with tools.store.transaction() as people:
            if right and user is not None and user.disabled_at is None:
                return await self._next(people, visitor, user)
            reason: Reason = "user_disabled" if right else "password_wrong"
            await tell_refusal(tools, people, visitor, reason, user)
        raise SignInRefused(reason)

    async def enrolment(self, visitor: Visitor, token: str) -> Enrolment:
        """Raises SignInRefused."""
        tools = self._tools
        async with tools.store.transaction() as people:
            kept, _, reason = await states.kept(tools, people, visitor, token, ("enrolment",))
        if kept is None:
            raise SignInRefused(reason)
        email, secret = kept.holds["email"], kept.holds["secret"]
        return Enrolment(email, secret, tools.codes.uri(secret, email))

    async def code(
        self, visitor: Visitor, token: str, code: str, *, recovery: bool = False
    ) -> NewSession:
        """A code of an authenticator, or one of those for without it (`recovery`). Raises
        SignInRefused; after one about a code the next may be tried."""
        tools = self._tools
        kinds: tuple[StateKind, ...] = ("code",) if recovery else ("code", "enrolment")
        user: User | None = None
        accounts: list[str] = []
        refusal: SignInRefused | None = None
        async with tools.store.transaction() as people:
            kept, state, reason = await states.kept(tools, people, visitor, token, kinds)
            if state is not None:
                user = await people.user(state.user_id) if state.user_id else None
                accounts = [state.account_id] if state.account_id else []
            if kept is None:
                refusal = SignInRefused(reason)
            elif not await may_try(tools, people, visitor, _guessed(kept)):
                refusal = SignInRefused("throttled")
            elif user is not None and not _same_password(kept, user):
                refusal = SignInRefused("state_expired")
            elif kept.state.kind == "code":
                take = take_recovery_code if recovery else take_code
                wrong = await take(tools, people, user, code)
                refusal = None if wrong is None else SignInRefused(wrong)
            else:
                user, refusal = await self._enrolled(people, visitor, kept, user, code)
            if refusal is None and kept is not None and user is not None:
                return await self._in(people, visitor, kept, user, _FACTORS[recovery])
            assert refusal is not None
            await tell_refusal(tools, people, visitor, refusal.reason, user, accounts)
        raise refusal

    async def _counted(self, visitor: Visitor, email: str) -> tuple[User | None, bool]:
        tools = self._tools
        try:
            wanted = person.email(email)
        except InvalidRequest:
            wanted = ""
        async with tools.store.transaction() as people:
            user = await people.user_of_email(wanted)
            allowed = await may_try(tools, people, visitor, wanted)
            if not allowed:
                await tell_refusal(tools, people, visitor, "throttled", user)
        return user, allowed

    async def _next(self, people: People, visitor: Visitor, user: User) -> Step:
        if user.totp is not None:
            holds = {"proved": user.password}
            token = await states.keep(self._tools, people, visitor, "code", holds, user=user.id)
            return Step("code", token)
        secret = self._tools.codes.new_secret()
        holds = {"email": user.email, "secret": secret, "proved": user.password}
        token = await states.keep(self._tools, people, visitor, "enrolment", holds, user=user.id)
        return Step("enrolment", token)

    async def _enrolled(
        self, people: People, visitor: Visitor, kept: Kept, user: User | None, code: str
    ) -> tuple[User | None, SignInRefused | None]:
        """With their first code somebody becomes a person here, or has codes again."""
        tools, now, holds = self._tools, self._tools.clock.now(), kept.holds
        step = tools.codes.step(holds["secret"], code, now)
        if step is None:
            return user, SignInRefused("code_wrong")
        id = tools.ids.new("user") if user is None else user.id
        totp = sealed(tools, id, holds["secret"])
        if user is not None:
            if user.password is None or user.totp is not None or user.disabled_at is not None:
                # Enrolled in another window meanwhile, or known by a provider: that counts.
                return user, SignInRefused("state_expired")
            changed = replace(user, totp=totp, totp_step=step)
            await people.change_user(changed)
            trail = Trail(tools, people, of_visitor(visitor, user))
            await trail.user("enrol_totp", user, changed)
            return changed, None
        made = User(id, now, holds["email"], holds["name"], holds["password"], totp, step)
        invitation = await states.invitation_of(people, kept.state)
        # Whoever has the row of the invitation decides, so it is asked first.
        if invitation is None:
            return None, SignInRefused("invitation_ended")
        if (reason := await obstacle(people, invitation, now)) is not None:
            return None, SignInRefused(reason)
        if not await people.add_user(made):
            return None, SignInRefused("identity_taken")
        return made, await accept(tools, people, visitor, invitation, made)

    async def _in(
        self, people: People, visitor: Visitor, kept: Kept, user: User, factor: Factor
    ) -> NewSession:
        tools = self._tools
        await people.use_state(kept.digest, user.id, tools.clock.now())
        for guessed in (user.email, _guessed(kept)):
            await forget(tools, people, guessed)
        if factor == "password_and_recovery_code":
            remaining = {"remaining": await people.count_recovery_codes(user.id)}
            trail = Trail(tools, people, of_visitor(visitor, user))
            await trail.tell_all(user, "use_recovery_code", remaining)
        new = await begin(tools, people, user, visitor, factor)
        if kept.state.kind == "code":
            return new
        return replace(new, recovery_codes=await new_recovery_codes(tools, people, user.id))


def _guessed(kept: Kept) -> str:
    """Whose code is guessed: also one who is nobody yet."""
    return guessed_code(kept.state.user_id or kept.digest.hex())


def _same_password(kept: Kept, user: User) -> bool:
    """Whether the password that began this sign-in still is theirs."""
    return tokens.same(kept.holds.get("proved") or "", user.password or "")
