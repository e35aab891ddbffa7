"""What each page shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from starlette.responses import Response

from guilder_server.people.domain.passwords import SHORTEST
from guilder_server.people.domain.session import SeenSession, Session
from guilder_server.people.flows.by_password import Enrolment
from guilder_server.people.flows.joining import Offer
from guilder_server.people.pages.layout import field, form, hidden, link, page, paragraph

_KNOWN_BY = {"provider": "your provider", "password_and_code": "password and code"}


def sign_in(
    token: str, provider: str | None, email: str = "", alert: str | None = None
) -> Response:
    body = ""
    if provider is not None:
        body += link("/sign-in/provider", f"Sign in with {provider}") + "<hr>\n"
        body += "<h2>With a password</h2>\n"
    known = f' value="{escape(email)}"' if email else ""
    fields = (
        hidden("form", token)
        + field("email", "Email", "email", autocomplete="username", more=known)
        + field("password", "Password", "password", autocomplete="current-password")
    )
    body += form("/sign-in/password", fields, "Sign in")
    return page("Sign in", body, 403 if alert else 200, alert)


def code(token: str, step: str, alert: str | None = None) -> Response:
    fields = hidden("form", token) + hidden("step", step) + hidden("kind", "code") + _code_field()
    body = form("/sign-in/code", fields, "Go on")
    return page("Enter your code", body, 403 if alert else 200, alert)


def enrolment(token: str, step: str, what: Enrolment, alert: str | None = None) -> Response:
    secret = " ".join(what.secret[at : at + 4] for at in range(0, len(what.secret), 4))
    fields = (
        hidden("form", token) + hidden("step", step) + hidden("kind", "enrolment") + _code_field()
    )
    body = (
        paragraph(
            "Add Guilder to the authenticator on your phone, then enter the code that it shows. "
            "You will need such a code each time you sign in."
        )
        + f'<p><a href="{escape(what.uri)}">Open in an authenticator on this device</a></p>\n'
        + f"<p>Or type this key into it, for {escape(what.email)}:</p>\n"
        + f'<p><code id="secret">{escape(secret)}</code></p>\n'
        + form("/sign-in/code", fields, "Confirm")
    )
    return page("Set up your codes", body, 403 if alert else 200, alert)


def invitation(
    path: str,
    offer: Offer,
    *,
    provider: str | None,
    form_token: str,
    signed_in_as: str | None,
    alert: str | None,
) -> Response:
    what = offer.invitation
    body = paragraph(
        f"{what.email} is invited to {offer.account}, as {what.role}. "
        f"The invitation is open until {_shown(what.expires_at)}."
    )
    token = hidden("form", form_token)
    if signed_in_as == what.email:
        body += form(f"{path}/join", token, "Join")
    elif signed_in_as is not None:
        body += paragraph(
            f"You are signed in as {signed_in_as}. Sign out first, then open this link again."
        ) + link("/me", "To your page")
    else:
        if provider is not None:
            body += link(f"{path}/provider", f"Go on with {provider}") + "<hr>\n"
        if offer.taken:
            words = "Somebody with this email signs in here already. If it is you, sign in, then "
            body += paragraph(words + "open this link again.") + link("/sign-in", "Sign in")
        else:
            body += "<h2>With a password</h2>\n" + _password_form(path, token, what.email)
    return page("You are invited", body, 400 if alert else 200, alert)


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
        + "<h2>Where you are signed in</h2>\n<ul>\n"
        + "".join(_session(one, one.id == seen.session.id, token) for one in sessions)
        + "</ul>\n"
    )
    return page("Signed in", body)


def _session(one: Session, current: bool, token: str) -> str:
    known_by = _KNOWN_BY[one.factor]
    words = f"{one.user_agent or 'A browser'}, from {one.address or 'an unknown address'}"
    since = f"Since {_shown(one.created)}, by {known_by}. Last seen {_shown(one.last_seen)}."
    end = (
        "<strong>This browser.</strong>"
        if current
        else form(f"/me/sessions/{one.id}/revoke", token, "End this session", quiet=True)
    )
    return f"<li>{escape(words)}<br>{escape(since)}<br>\n{end}</li>\n"


def _password_form(path: str, token: str, email: str) -> str:
    # The browser keeps the password under this name.
    user = f'<input type="hidden" autocomplete="username" value="{escape(email)}">\n'
    fields = (
        token
        + user
        + field("name", "Your name", autocomplete="name", required=False)
        + field(
            "password",
            "Password",
            "password",
            autocomplete="new-password",
            hint=f"{SHORTEST} characters or more. Several words are good.",
        )
        + field("again", "The same password again", "password", autocomplete="new-password")
    )
    return form(f"{path}/password", fields, "Set the password")


def _code_field() -> str:
    return field(
        "code",
        "Code of six digits",
        autocomplete="one-time-code",
        more=' inputmode="numeric" autofocus',
    )


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
