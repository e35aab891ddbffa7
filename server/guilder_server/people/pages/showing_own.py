"""What the pages of somebody who has signed in show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from starlette.responses import Response

from guilder_server.people.domain.person import User
from guilder_server.people.domain.session import SeenSession, Session
from guilder_server.people.pages.fields import (
    code_field,
    new_password_fields,
    shown,
    username,
)
from guilder_server.people.pages.layout import field, form, hidden, link, page, paragraph

_KNOWN_BY = {
    "provider": "your provider",
    "password_and_code": "password and code",
    "password_and_recovery_code": "password and recovery code",
}
_TO_ME = link("/me", "To your page")


def me(seen: SeenSession, sessions: Sequence[Session]) -> Response:
    user, token = seen.user, hidden("form", seen.csrf_token or "")
    who = f"{user.name} ({user.email})" if user.name else user.email
    accounts = "".join(
        f"<li>{escape(member.account_name or '')} {escape(member.account)}: "
        f"{escape(member.role)}</li>\n"
        for member in seen.memberships
    )
    body = (
        paragraph(f"You are signed in as {who}.")
        + form("/me/sign-out", token, "Sign out")
        + "<h2>Your accounts</h2>\n"
        + (
            f"<ul>\n{accounts}</ul>\n"
            if accounts
            else paragraph("You are not a member of any account. Ask an owner for an invitation.")
        )
        + _secrets(seen)
        + "<h2>Where you are signed in</h2>\n<ul>\n"
        + "".join(_session(one, one.id == seen.session.id, token) for one in sessions)
        + "</ul>\n"
    )
    return page("Signed in", body)


def _session(one: Session, current: bool, token: str) -> str:
    known_by = _KNOWN_BY[one.factor]
    words = f"{one.user_agent or 'A browser'}, from {one.address or 'an unknown address'}"
    since = f"Since {shown(one.created)}, by {known_by}. Last seen {shown(one.last_seen)}."
    end = (
        "<strong>This browser.</strong>"
        if current
        else form(f"/me/sessions/{one.id}/revoke", token, "End this session", quiet=True)
    )
    return f"<li>{escape(words)}<br>{escape(since)}<br>\n{end}</li>\n"


def _secrets(seen: SeenSession) -> str:
    left = seen.recovery_codes
    if left is None:
        return ""
    without = " Make some while you have it." if left == 0 else ""
    return (
        "<h2>How you sign in</h2>\n"
        + paragraph(
            f"You have {_counted(left)} left, for when you are without your authenticator.{without}"
        )
        + '<p><a href="/me/recovery-codes">Make new recovery codes</a></p>\n'
        + '<p><a href="/me/password">Change your password</a></p>\n'
    )


def password(token: str, user: User, alert: str | None = None) -> Response:
    fields = (
        hidden("form", token)
        + username(user.email)
        + field("password", "Your password now", "password", autocomplete="current-password")
        + new_password_fields("new_password", "New password")
    )
    body = (
        paragraph("Wherever else you are signed in, you are signed out.")
        + form("/me/password", fields, "Change the password")
        + _TO_ME
    )
    return page("Change your password", body, 403 if alert else 200, alert)


def password_changed() -> Response:
    words = "You stay signed in here. Your other sessions have ended."
    return page("Your password is changed", paragraph(words) + _TO_ME)


def renewing_codes(seen: SeenSession, alert: str | None = None) -> Response:
    fields = (
        hidden("form", seen.csrf_token or "")
        + username(seen.user.email)
        + field("password", "Your password", "password", autocomplete="current-password")
        + code_field(focused=False)
    )
    left = _counted(seen.recovery_codes or 0)
    body = (
        paragraph(f"You have {left} left. If you make ten new ones, those are good no more.")
        + form("/me/recovery-codes", fields, "Make ten new codes")
        + _TO_ME
    )
    return page("Make new recovery codes", body, 403 if alert else 200, alert)


def recovery_codes(codes: Sequence[str]) -> Response:
    """This once."""
    listed = "".join(f"<li><code>{escape(one)}</code></li>\n" for one in codes)
    body = (
        paragraph(
            "Write these down, or print them, and keep them where your password is not. Each lets "
            "you in once, in the place of a code of your authenticator. They are shown this once."
        )
        + f'<ul id="recovery-codes">\n{listed}</ul>\n'
        + link("/me", "I have them")
    )
    return page("Your recovery codes", body)


def signed_out() -> Response:
    return page("You are signed out", link("/sign-in", "Sign in again"))


def _counted(left: int) -> str:
    return f"{left or 'no'} recovery {'code' if left == 1 else 'codes'}"
