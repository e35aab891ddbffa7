"""Signing in with a provider: sent there with a state, known again when the person comes back.

Who they are here is decided by what the provider knows them by (issuer and subject), never by an
email alone. The first time, an email decides, and only one that the provider has verified: that
of an open invitation, or of somebody here who has no provider yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.domain import person, tokens
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import User
from guilder_server.people.domain.refusals import SignInRefused
from guilder_server.people.domain.session import NewSession, Visitor
from guilder_server.people.flows import states
from guilder_server.people.flows.backing import obstacle
from guilder_server.people.flows.joining import accept, invitation_named
from guilder_server.people.flows.sessions import begin
from guilder_server.people.flows.states import Kept
from guilder_server.people.flows.throttling import may_try
from guilder_server.people.flows.trail import Trail, of_visitor, tell_refusal
from guilder_server.people.ports import Claims, People, Provider, TokenRefused, Tools

CALLBACK = "/sign-in/callback"


@dataclass(frozen=True, slots=True)
class Returned:
    """What the provider's answer carries, as the browser brought it."""

    state: str
    code: str | None = field(default=None, repr=False)
    issuer: str | None = None


class ByProvider:
    def __init__(self, tools: Tools, provider: Provider) -> None:
        self._tools, self._provider = tools, provider
        self._redirect_uri = tools.public_url + CALLBACK

    async def begin(self, visitor: Visitor, invitation: str | None = None) -> str:
        """Where to send the browser. Raises SignInRefused and Unavailable."""
        tools = self._tools
        holds = {"nonce": tokens.new(), "verifier": tokens.new()}
        async with tools.store.transaction() as people:
            allowed = await may_try(tools, people, visitor, f"browser {visitor.browser}")
            state = ""
            if allowed:
                found = await invitation_named(tools, people, invitation) if invitation else None
                state = await states.keep(
                    tools, people, visitor, "provider", holds, invitation=found
                )
        if not allowed:
            raise SignInRefused("throttled")
        return await self._provider.authorization_url(
            self._redirect_uri, state, holds["nonce"], holds["verifier"]
        )

    async def finish(self, visitor: Visitor, returned: Returned) -> NewSession:
        """Raises SignInRefused and Unavailable."""
        kept = await self._used(visitor, returned)
        tools = self._tools
        try:
            claims = await self._claims(returned, kept)
        except TokenRefused as refused:
            async with tools.store.transaction() as people:
                user = await _claimed(people, refused)
                await tell_refusal(tools, people, visitor, refused.reason, user, _accounts(kept))
            raise SignInRefused(refused.reason) from None
        try:
            async with tools.store.transaction() as people:
                user = await self._who(people, visitor, claims, kept)
                await people.use_state(kept.digest, user.id, tools.clock.now())
                return await begin(tools, people, user, visitor, "provider")
        except SignInRefused as refusal:
            # What was begun for them is not kept, but that they were refused is.
            async with tools.store.transaction() as people:
                known = await people.user_of_identity(claims.identity)
                if known is None and claims.email is not None:
                    known = await people.user_of_email(claims.email)
                await tell_refusal(tools, people, visitor, refusal.reason, known, _accounts(kept))
            raise

    async def _used(self, visitor: Visitor, returned: Returned) -> Kept:
        """The state, which nobody can come back with again."""
        tools = self._tools
        async with tools.store.transaction() as people:
            kept, state, reason = await states.kept(
                tools, people, visitor, returned.state, ("provider",)
            )
            if kept is not None:
                await people.use_state(kept.digest, None, tools.clock.now())
                return kept
            user = await people.user(state.user_id) if state and state.user_id else None
            accounts = [state.account_id] if state and state.account_id else []
            await tell_refusal(tools, people, visitor, reason, user, accounts)
        raise SignInRefused(reason)

    async def _claims(self, returned: Returned, kept: Kept) -> Claims:
        if returned.issuer is not None and returned.issuer != self._provider.issuer:
            raise TokenRefused("token_issuer")
        if not returned.code:
            raise TokenRefused("provider_refused")
        claims = await self._provider.claims(
            returned.code,
            self._redirect_uri,
            kept.holds["nonce"],
            kept.holds["verifier"],
            self._tools.clock.now(),
        )
        if claims.email is None:
            return claims
        try:
            return Claims(
                claims.identity, person.email(claims.email), claims.email_verified, claims.name
            )
        except InvalidRequest:
            raise TokenRefused("token_malformed", claims.identity) from None

    async def _who(self, people: People, visitor: Visitor, claims: Claims, kept: Kept) -> User:
        """Raises SignInRefused; the transaction must then not be kept."""
        user = await people.user_of_identity(claims.identity)
        offers: list[Invitation] = []
        if user is None:
            user, offers = await self._first_time(people, visitor, claims)
        # Looked at after those to their email, which everybody locks in one order.
        link = await states.invitation_of(people, kept.state)
        if link is not None and link not in offers:
            offers.insert(0, link)
        if user.disabled_at is not None:
            raise SignInRefused("user_disabled")
        for offer in offers:
            refusal = await accept(self._tools, people, visitor, offer, user)
            # One that they took before harms nobody.
            if refusal is not None and offer.accepted_by != user.id:
                raise refusal
        return user

    async def _first_time(
        self, people: People, visitor: Visitor, claims: Claims
    ) -> tuple[User, list[Invitation]]:
        """Who they are from now on, and what is open to them."""
        tools, now = self._tools, self._tools.clock.now()
        if claims.email is None or not claims.email_verified:
            raise SignInRefused("email_unverified")
        offers = await self._open(people, claims.email)
        user = await people.user_of_email(claims.email)
        if user is None:
            if not offers:
                raise SignInRefused("not_invited")
            user = User(tools.ids.new("user"), now, claims.email, _short(claims.name))
            if not await people.add_user(user):
                # Made at this moment, by the same person in another window.
                raise SignInRefused("state_expired")
        elif await people.has_identity(user.id):
            raise SignInRefused("identity_taken")
        else:
            user = await self._without_password(people, user)
        if not await people.add_identity(claims.identity, user.id, now):
            raise SignInRefused("state_expired")
        trail = Trail(tools, people, of_visitor(visitor, user))
        await trail.tell_all(user, "link_identity", {"issuer": claims.identity.issuer})
        return user, offers

    async def _without_password(self, people: People, found: User) -> User:
        """Until now this email was only claimed: whoever makes an invitation has its link, and
        could have set a password in the name of somebody else. It opens nothing any more."""
        user = await people.user(found.id)
        assert user is not None, "people are never deleted"
        user = replace(user, password=None, totp=None, totp_step=None)
        now = self._tools.clock.now()
        await people.change_user(user)
        await people.forget_recovery_codes(user.id)
        await people.use_reset(user.id, now)
        await people.end_sessions(user.id, now)
        return user

    async def _open(self, people: People, email: str) -> list[Invitation]:
        now = self._tools.clock.now()
        offers = await people.invitations_to(email)
        return [offer for offer in offers if await obstacle(people, offer, now) is None]


def _short(name: str | None) -> str | None:
    """A provider's name for somebody, as far as it is one."""
    try:
        return person.name((name or "")[: person.LONGEST_NAME])
    except InvalidRequest:
        return None


async def _claimed(people: People, refused: TokenRefused) -> User | None:
    """Whom a token that is not believed speaks of: they should hear of it."""
    user = None
    if refused.identity is not None:
        user = await people.user_of_identity(refused.identity)
    if user is None and refused.email is not None:
        user = await people.user_of_email(refused.email.strip().lower())
    return user


def _accounts(kept: Kept) -> list[str]:
    return [] if kept.state.account_id is None else [kept.state.account_id]
