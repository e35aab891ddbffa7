"""Becoming a member: what an invitation takes, and who may take it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from guilder_server.people.domain import passwords, person, tokens
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import Member, User
from guilder_server.people.domain.refusals import Reason, SignInRefused
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows import states
from guilder_server.people.flows.backing import obstacle
from guilder_server.people.flows.throttling import may_try
from guilder_server.people.flows.trail import Trail, of_visitor, tell_refusal
from guilder_server.people.ports import People, Tools


@dataclass(frozen=True, slots=True)
class Offer:
    """An open invitation, and what the account is called. `taken` says that its email is
    somebody's already."""

    invitation: Invitation
    account: str
    taken: bool


class Joining:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def look(self, visitor: Visitor, token: str) -> Offer:
        """Raises SignInRefused."""
        tools = self._tools
        async with tools.store.transaction() as people:
            invitation = await invitation_named(tools, people, token)
            reason: Reason | None = "invitation_ended"
            if invitation is not None:
                reason = await obstacle(people, invitation, tools.clock.now())
                if reason is not None:
                    concerned = [invitation.account]
                    await tell_refusal(tools, people, visitor, reason, accounts=concerned)
            if reason is None and invitation is not None:
                account = await people.account(invitation.account)
                user = await people.user_of_email(invitation.email)
                assert account is not None
                return Offer(invitation, account.title, user is not None)
        raise SignInRefused(reason or "invitation_ended")

    async def with_password(
        self, visitor: Visitor, token: str, name: str | None, password: str
    ) -> str:
        """A token to enrol codes with. Nobody is made before a code was right."""
        tools = self._tools
        offer = await self.look(visitor, token)
        invitation = offer.invitation
        if offer.taken:
            raise SignInRefused("identity_taken")
        passwords.require_good(password, invitation.email)
        async with tools.store.transaction() as people:
            allowed = await may_try(tools, people, visitor, invitation.id)
        if not allowed:
            raise SignInRefused("throttled")
        holds = {
            "email": invitation.email,
            "name": person.name(name),
            "password": await tools.passwords.hash(password),
            "secret": tools.codes.new_secret(),
        }
        async with tools.store.transaction() as people:
            return await states.keep(
                tools, people, visitor, "enrolment", holds, invitation=invitation
            )

    async def join(self, visitor: Visitor, user: User, token: str) -> None:
        """Somebody who has signed in takes an invitation. Raises SignInRefused."""
        tools = self._tools
        async with tools.store.transaction() as people:
            invitation = await invitation_named(tools, people, token)
            refused: SignInRefused | None = SignInRefused("invitation_ended")
            if invitation is not None:
                refused = await accept(tools, people, visitor, invitation, user)
                if refused is not None:
                    await tell_refusal(
                        tools,
                        people,
                        visitor,
                        refused.reason,
                        user,
                        accounts=[invitation.account],
                    )
        if refused is not None:
            raise refused


async def accept(
    tools: Tools, people: People, visitor: Visitor, invitation: Invitation, user: User
) -> SignInRefused | None:
    """Makes them a member; whoever is one keeps their role. None when it is done."""
    now = tools.clock.now()
    if not tokens.same(invitation.email, user.email):
        return SignInRefused("invitation_of_another")
    if (reason := await obstacle(people, invitation, now)) is not None:
        return SignInRefused(reason)
    trail = Trail(tools, people, of_visitor(visitor, user))
    before = await people.member(invitation.account, user.id)
    if before is None:
        await people.put_member(Member(invitation.account, invitation.role, now, user))
    taken = replace(invitation, accepted_at=now, accepted_by=user.id)
    await people.change_invitation(taken)
    await trail.invitation("accept_invitation", {"status": "open"}, taken)
    return None


async def invitation_named(tools: Tools, people: People, token: str) -> Invitation | None:
    """The invitation that a link names, be it open or not."""
    return await people.invitation_of(tokens.digest(tools.pepper, "invitation", token))
