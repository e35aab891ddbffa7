"""Inviting people to an account, and taking invitations back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.errors import NotFound, Refused
from guilder_server.kernel.steps import Claiming
from guilder_server.people.domain import invitation as invitations
from guilder_server.people.domain import person, roles, tokens
from guilder_server.people.domain.invitation import NOUN, Invitation, Seen
from guilder_server.people.domain.roles import Standing
from guilder_server.people.flows.backing import backed, seen
from guilder_server.people.flows.claiming import answered
from guilder_server.people.flows.trail import Trail
from guilder_server.people.ports import People, Tools


@dataclass(frozen=True, slots=True)
class By:
    """Who asks: `standing` says what they may give, `actor` what the trail names, `claims` what is
    kept of the answer, for whoever asks over HTTP."""

    actor: Actor
    standing: Standing
    request_id: str | None = None
    claims: Claiming | None = None

    @property
    def maker(self) -> str | None:
        """On whom an invitation rests; None is whoever runs the server."""
        return None if self.standing == "operator" else self.actor.id


class Inviting:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def invite(self, by: By, account: str, email: str, role: str) -> Seen:
        """An invitation with its link, which is told this once. Whoever runs the server, and has
        lost a link, asks again: the one before then ends."""
        tools, now = self._tools, self._tools.clock.now()
        wanted = roles.role(role)
        roles.require_giving(by.standing, wanted)
        made = Invitation(
            id=tools.ids.new("inv"),
            account=account,
            created=now,
            email=person.email(email),
            role=wanted,
            expires_at=now + invitations.LIFETIME,
            invited_by=by.maker,
        )
        token = tokens.new()
        async with tools.store.transaction() as people:
            await _require_open(people, account)
            user = await people.user_of_email(made.email)
            if user is not None and await people.member(account, user.id) is not None:
                raise Refused(
                    "user_already_member",
                    "Somebody with this email is a member of the account already.",
                    "email",
                )
            await self._put_away(people, by, made)
            if not await people.add_invitation(self._digest(token), made):
                raise Refused(
                    "invitation_open",
                    "An invitation to this email is open already. Revoke it, then invite again.",
                    "email",
                )
            await self._trail(people, by).invitation("create_invitation", None, made)
            shown = Seen(made, now, f"{tools.public_url}/invitations/{token}")
            return await answered(people, by.claims, shown)

    async def all(self, account: str) -> Sequence[Seen]:
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            return await seen(people, await people.invitations(account), now)

    async def retrieve(self, account: str, id: str) -> Seen:
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            found = await people.invitation(account, id)
            if found is None:
                raise NotFound(NOUN, id, NOUN)
            (shown,) = await seen(people, [found], now)
        return shown

    async def revoke(self, by: By, account: str, id: str) -> Seen:
        """For good. One that is revoked already stays so."""
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            found = await people.invitation(account, id)
            if found is None:
                raise NotFound(NOUN, id, NOUN)
            roles.require_giving(by.standing, found.role)
            status = found.status(now)
            if status == "accepted":
                raise Refused(
                    "invitation_accepted",
                    "This invitation was accepted. Remove the person from the account instead.",
                    NOUN,
                )
            if status == "open":
                found = replace(found, revoked_at=now)
                await people.change_invitation(found)
                await self._trail(people, by).invitation(
                    "revoke_invitation", {"status": "open"}, found
                )
            return await answered(people, by.claims, Seen(found, now))

    async def _put_away(self, people: People, by: By, wanted: Invitation) -> None:
        """What would be in the way of the new one: an invitation that has expired, or whose maker
        could not make it any more."""
        for old in await people.invitations_to(wanted.email):
            if old.account != wanted.account:
                continue
            ended = replace(old, revoked_at=wanted.created)
            if old.expires_at <= wanted.created:
                await people.change_invitation(ended)
            elif by.standing == "operator" or not await backed(people, old):
                await people.change_invitation(ended)
                await self._trail(people, by).invitation(
                    "revoke_invitation", {"status": "open"}, ended
                )

    def _digest(self, token: str) -> bytes:
        return tokens.digest(self._tools.pepper, "invitation", token)

    def _trail(self, people: People, by: By) -> Trail:
        return Trail(self._tools, people, by.actor, by.request_id)


async def _require_open(people: People, account: str) -> None:
    found = await people.account(account)
    if found is None:
        raise NotFound("account", account)
    if found.closed:
        raise Refused("account_closed", f"The account {account} is closed, for good.")
