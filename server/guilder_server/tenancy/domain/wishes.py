"""What is asked for when an account is opened or a key is made: refused here, or as it is kept."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from guilder_server.kernel import contact
from guilder_server.kernel.currencies import EXPONENTS
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.tenancy.domain.countries import COUNTRIES
from guilder_server.tenancy.domain.keys import KeyKind

LONGEST_NAME = 200
LONGEST_OVERLAP = timedelta(days=7)
LONGEST_LIFETIME = timedelta(days=3650)


def name(wanted: str | None) -> str | None:
    """A name is shown on terminals and in logs, which obey some characters."""
    given = (wanted or "").strip()
    if len(given) > LONGEST_NAME:
        raise _invalid("name", f"A name has at most {LONGEST_NAME} characters.")
    if not given.isprintable():
        raise _invalid("name", "A name is one line of letters, digits and signs.")
    return given or None


def needed_name(wanted: str | None) -> str:
    given = name(wanted)
    if given is None:
        raise InvalidRequest("parameter_missing", "An organization needs a name.", "name")
    return given


def email(wanted: str | None) -> str | None:
    given = (wanted or "").strip()
    if len(given) > LONGEST_NAME or not given.isprintable():
        raise InvalidRequest("email_invalid", "This is no email address.", "email")
    return contact.email({"email": given}, "email", "email")


def country(wanted: str) -> str:
    given = wanted.upper()
    if given not in COUNTRIES:
        raise InvalidRequest(
            "country_code_invalid",
            f"There is no country {wanted!r}. It is written as two letters of ISO 3166-1, such as "
            "US, NL or GB.",
            "country",
        )
    return given


def currency(wanted: str) -> str:
    given = wanted.lower()
    if given not in EXPONENTS:
        raise _invalid(
            "currency",
            f"There is no currency {wanted!r} here. It is written as three letters of ISO 4217, "
            "such as usd, eur or jpy.",
        )
    return given


def permissions(
    kind: KeyKind, wanted: Sequence[str], declared: Collection[str]
) -> tuple[str, ...] | None:
    """Those of a restricted key; other kinds are not narrowed by any."""
    if kind != "restricted":
        if wanted:
            raise _invalid(
                "permissions", f"Only a restricted key lists permissions, a {kind} one does not."
            )
        return None
    if not wanted:
        raise InvalidRequest(
            "parameter_missing",
            "A restricted key may do only what it lists, so it needs one permission or more, such "
            "as customers:read. There are: " + ", ".join(sorted(declared)) + ".",
            "permissions",
        )
    return known_permissions(wanted, declared, "permissions")


def known_permissions(
    wanted: Sequence[str], declared: Collection[str], param: str
) -> tuple[str, ...]:
    """Each once, if there are all of them."""
    for one in wanted:
        if one not in declared:
            raise _invalid(param, f"There is no permission {one!r}. {_near(one, declared)}")
    return tuple(sorted(set(wanted)))


def _near(wrong: str, declared: Collection[str]) -> str:
    noun = wrong.partition(":")[0]
    near = {one for one in declared if one.partition(":")[0] == noun}
    near.update(difflib.get_close_matches(wrong.lower(), sorted(declared), 3, 0.7))
    if near:
        return f"Did you mean {' or '.join(sorted(near))}?"
    return f"There are: {', '.join(sorted(declared))}."


def end(now: datetime, lifetime: timedelta | None) -> datetime | None:
    """When a key ends that is to live that long."""
    if lifetime is None:
        return None
    if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise _invalid(
            "expires_in", f"A key that expires does so within {LONGEST_LIFETIME.days} days."
        )
    return now + lifetime


def overlap(wanted: timedelta) -> timedelta:
    if not timedelta(0) <= wanted <= LONGEST_OVERLAP:
        raise _invalid("overlap", f"The overlap is from 0 to {LONGEST_OVERLAP.days} days.")
    return wanted


def _invalid(param: str, message: str) -> InvalidRequest:
    return InvalidRequest("parameter_invalid", message, param)
