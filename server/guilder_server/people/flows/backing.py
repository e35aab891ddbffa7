"""Whether an invitation is still what its maker could give.

It lets somebody in days after it was made. Until then its maker may have been removed, disabled or
given another role, a key revoked or rolled: so it is looked at again when it is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guilder_server.people.domain import roles
from guilder_server.people.domain.invitation import Invitation, Seen
from guilder_server.people.domain.person import Member
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.ports import People


async def obstacle(people: People, invitation: Invitation, now: datetime) -> Reason | None:
    """Why nobody can take it now."""
    account = await people.account(invitation.account)
    if invitation.status(now) != "open" or account is None or account.closed:
        return "invitation_ended"
    return None if await backed(people, invitation) else "invitation_unbacked"


async def backed(people: People, invitation: Invitation) -> bool:
    """Whether its maker could make it now. Whoever runs the server always could."""
    if invitation.invited_by is None:
        return True
    # Those whom one person has invited, each to several accounts, must not wait for each other.
    maker = await people.member_as_is(invitation.account, invitation.invited_by)
    if maker is not None:
        return _gives(maker, invitation)
    return await people.program_lasts(invitation.account, invitation.invited_by)


async def seen(people: People, invitations: Sequence[Invitation], now: datetime) -> list[Seen]:
    """As they stand. All are of one account."""
    makers: dict[str, Member] = {}
    programs: dict[str, bool] = {}
    if any(one.invited_by is not None for one in invitations):
        members = await people.members(invitations[0].account)
        makers = {member.user.id: member for member in members}
    shown = []
    for one in invitations:
        by, stands = one.invited_by, True
        if by in makers:
            stands = _gives(makers[by], one)
        elif by is not None and one.status(now) == "open":
            if by not in programs:
                programs[by] = await people.program_lasts(one.account, by)
            stands = programs[by]
        shown.append(Seen(one, now, backed=stands or one.status(now) != "open"))
    return shown


def _gives(maker: Member, invitation: Invitation) -> bool:
    return maker.user.disabled_at is None and roles.gives(maker.role, invitation.role)
