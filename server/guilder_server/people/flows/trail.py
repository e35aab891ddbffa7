"""What the trail of an account is told of its people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.person import Member, User
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows.throttling import may_tell
from guilder_server.people.ports import People, Tools

Told = Mapping[str, Any] | None


class Trail:
    """One change or refusal after another, by one actor, in one transaction."""

    def __init__(
        self, tools: Tools, people: People, actor: Actor, request_id: str | None = None
    ) -> None:
        self._tools, self._people = tools, people
        self._actor, self._request_id = actor, request_id

    async def tell(
        self,
        account: str,
        action: str,
        noun: str,
        id: str,
        before: Told = None,
        after: Told = None,
    ) -> None:
        entry = AuditEntry(
            id=self._tools.ids.new("aud"),
            created=self._tools.clock.now(),
            actor=self._actor,
            action=action,
            object=noun,
            object_id=id,
            before=before,
            after=after,
            request_id=self._request_id,
        )
        await self._people.append(account, entry)

    async def tell_all(
        self, user: User, action: str, after: Told = None, before: Told = None
    ) -> None:
        """Each account that they are a member of."""
        for member in await self._people.memberships(user.id):
            await self.tell(member.account, action, "user", user.id, before, after)

    async def user(self, action: str, before: User, after: User) -> None:
        """What became of somebody, to each account that they are a member of."""
        old = {"disabled_at": before.disabled_at, "totp": before.totp}
        new = {"disabled_at": after.disabled_at, "totp": after.totp}
        names = [name for name in new if old[name] != new[name]]
        await self.tell_all(
            after, action, {name: new[name] for name in names}, {name: old[name] for name in names}
        )

    async def refusal(
        self,
        action: str,
        user: User | None,
        reason: Reason,
        told: Mapping[str, Any] | None = None,
        accounts: Collection[str] = (),
    ) -> None:
        """To the accounts of a person, as far as it is known who was refused, and to `accounts`; to
        each so often only. `told` is what is said beside the reason."""
        concerned = set(accounts)
        if user is not None:
            concerned |= {member.account for member in await self._people.memberships(user.id)}
        id, after = "unknown" if user is None else user.id, {"reason": reason} | dict(told or {})
        for account in sorted(concerned):
            if await may_tell(self._tools, self._people, account, action, reason):
                await self.tell(account, action, "user", id, after=after)

    async def invitation(self, action: str, before: Told, invitation: Invitation) -> None:
        after = {"email": invitation.email, "role": invitation.role}
        account = invitation.account
        await self.tell(account, action, "invitation", invitation.id, before, after)

    async def member(self, action: str, before: Member | None, after: Member | None) -> None:
        member = after or before
        assert member is not None
        await self.tell(
            member.account,
            action,
            "user",
            member.user.id,
            None if before is None else {"email": before.user.email, "role": before.role},
            None if after is None else {"email": after.user.email, "role": after.role},
        )


def of_visitor(visitor: Visitor, user: User) -> Actor:
    return Actor("user", user.id, visitor.address)


async def tell_refusal(
    tools: Tools,
    people: People,
    visitor: Visitor,
    reason: Reason,
    user: User | None = None,
    accounts: Collection[str] = (),
) -> None:
    """Told to each account that it concerns: those of the person, and those named besides; so often
    only."""
    id = "unknown" if user is None else user.id
    trail = Trail(tools, people, Actor("user", id, visitor.address))
    await trail.refusal("sign_in_refused", user, reason, accounts=accounts)
