"""People as the wire shows them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.people.domain.invitation import Seen
from guilder_server.people.domain.person import Member
from guilder_server.people.domain.recovery import RecoveryCodes
from guilder_server.people.domain.session import SeenSession


def view_member(member: Member, _tenant: Tenant) -> wire.User:
    user = member.user
    return {
        "id": user.id,
        "object": "user",
        "created": unix(member.since),
        "disabled": user.disabled_at is not None,
        "email": user.email,
        "name": user.name,
        "role": member.role,
    }


def view_invitation(seen: Seen, _tenant: Tenant) -> wire.Invitation:
    invitation = seen.invitation
    shown: wire.Invitation = {
        "id": invitation.id,
        "object": "invitation",
        "accepted_by": invitation.accepted_by,
        "created": unix(invitation.created),
        "email": invitation.email,
        "expires_at": unix(invitation.expires_at),
        "invited_by": invitation.invited_by,
        "role": invitation.role,
        "status": seen.status,
    }
    if seen.url is not None:
        shown["url"] = seen.url
    return shown


def view_session(seen: SeenSession, _tenant: Tenant) -> wire.Session:
    session, user = seen.session, seen.user
    shown: wire.Session = {
        "id": session.id,
        "object": "session",
        "address": session.address,
        "created": unix(session.created),
        "current": seen.current,
        "expires_at": unix(session.expires_at),
        "factor": session.factor,
        "last_seen": unix(session.last_seen),
        "revoked": session.revoked_at is not None,
        "user": user.id,
        "user_agent": session.user_agent,
    }
    if seen.csrf_token is not None:
        shown["csrf_token"] = seen.csrf_token
        shown["email"] = user.email
        shown["accounts"] = [
            {"account": member.account, "role": member.role} for member in seen.memberships
        ]
        if seen.recovery_codes is not None:
            shown["recovery_codes_left"] = seen.recovery_codes
    return shown


def view_recovery_codes(made: RecoveryCodes, _tenant: Tenant) -> wire.RecoveryCodes:
    return {"object": "recovery_codes", "recovery_codes": list(made.codes)}
