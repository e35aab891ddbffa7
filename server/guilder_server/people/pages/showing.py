"""What each page shows."""

from __future__ import annotations

from html import escape

from starlette.responses import Response

from guilder_server.people.flows.by_password import Enrolment
from guilder_server.people.flows.joining import Offer
from guilder_server.people.pages.fields import (
    FOCUSED,
    code_field,
    new_password_fields,
    shown,
    username,
)
from guilder_server.people.pages.layout import field, folded, form, hidden, link, page, paragraph
from guilder_server.people.pages.qr import qr_image


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


def code(token: str, step: str, alert: str | None = None, *, recovering: bool = False) -> Response:
    """`recovering` says that they are without their authenticator."""
    known = hidden("form", token) + hidden("step", step)
    fields = known + hidden("kind", "code") + code_field(focused=not recovering)
    instead = known + field(
        "recovery_code",
        "Recovery code",
        autocomplete="off",
        hint="One of those that you were shown when you set up your codes. Each is good once.",
        more=' autocapitalize="characters" spellcheck="false"' + (FOCUSED if recovering else ""),
    )
    body = form("/sign-in/code", fields, "Go on") + folded(
        "I have no authenticator",
        form("/sign-in/recovery-code", instead, "Sign in with it", quiet=True),
        unfolded=recovering,
    )
    return page("Enter your code", body, 403 if alert else 200, alert)


def enrolment(token: str, step: str, what: Enrolment, alert: str | None = None) -> Response:
    secret = " ".join(what.secret[at : at + 4] for at in range(0, len(what.secret), 4))
    fields = (
        hidden("form", token) + hidden("step", step) + hidden("kind", "enrolment") + code_field()
    )
    body = (
        paragraph(
            "Add Guilder to the authenticator on your phone, then enter the code that it shows. "
            "You will need such a code each time you sign in."
        )
        + qr_image(what.uri, "A QR code with the key below, for the camera of an authenticator")
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
        f"The invitation is open until {shown(what.expires_at)}."
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


def new_password(path: str, token: str, email: str, alert: str | None = None) -> Response:
    body = paragraph(f"This is the new password of {email}. It ends all of your sessions.") + form(
        path, hidden("form", token) + username(email) + new_password_fields(), "Set the password"
    )
    return page("Set a new password", body, 400 if alert else 200, alert)


def password_set() -> Response:
    body = paragraph("Sign in with it now, and with a code as before.") + link(
        "/sign-in", "Sign in"
    )
    return page("Your password is set", body)


def _password_form(path: str, token: str, email: str) -> str:
    fields = (
        token
        + username(email)
        + field("name", "Your name", autocomplete="name", required=False)
        + new_password_fields()
    )
    return form(f"{path}/password", fields, "Set the password")
