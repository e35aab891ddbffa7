"""Fields that several pages have."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from guilder_server.people.domain.passwords import SHORTEST
from guilder_server.people.pages.layout import field

FOCUSED = " autofocus"


def code_field(*, focused: bool = True) -> str:
    return field(
        "code",
        "Code of six digits",
        autocomplete="one-time-code",
        more=' inputmode="numeric"' + (FOCUSED if focused else ""),
    )


def new_password_fields(name: str = "password", label: str = "Password") -> str:
    return field(
        name,
        label,
        "password",
        autocomplete="new-password",
        hint=f"{SHORTEST} characters or more. Several words are good.",
    ) + field("again", f"The same {label.lower()} again", "password", autocomplete="new-password")


def username(email: str) -> str:
    """The browser keeps the password under this name."""
    return f'<input type="hidden" autocomplete="username" value="{escape(email)}">\n'


def shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
