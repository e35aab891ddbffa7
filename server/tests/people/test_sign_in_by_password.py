"""Passwords and codes: taking an invitation with them, signing in, and what is refused."""

from __future__ import annotations

import time

import pyotp
import pytest
from argon2 import PasswordHasher

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.domain.passwords import OF_PERSON, require_good
from guilder_server.people.infra import passwords as infra
from guilder_server.people.infra.passwords import Argon2Passwords
from tests.people.conftest import Told, refusals
from tests.people.signing_in import changed, new_person, with_password
from tests.support.api import ApiServer
from tests.support.people import OPERATOR, PASSWORD, Visitor, invite, joined, with_people

EMAIL = "ada.lovelace@example.com"


@pytest.fixture
def person(api_server: ApiServer, account: str) -> tuple[str, pyotp.TOTP]:
    """Somebody who has signed in and out: their email and their codes."""
    made = new_person(api_server, account)
    return made.email, made.codes


def test_an_invitation_is_taken_with_a_password_and_codes(
    api_server: ApiServer, account: str, told: Told
) -> None:
    visitor, email = joined(api_server.database_url, api_server.url, account)
    assert f"Ada ({email})" in visitor.page
    assert f"{account}: owner" in visitor.page
    actions = [entry.action for named, entry in told if named == account]
    assert actions == ["create_invitation", "accept_invitation", "sign_in"]


def test_a_password_and_then_a_code_sign_somebody_in(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], told: Told, account: str
) -> None:
    email, codes = person
    visitor = with_password(api_server, f" {email.upper()} ")
    assert "Enter your code" in visitor.page
    visitor.send("/sign-in/code", code=codes.at(int(time.time()) + 30))
    assert "You are signed in as" in visitor.page
    assert refusals(told, account) == []


def test_a_code_is_taken_once_and_an_old_or_wrong_one_never(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], told: Told, account: str
) -> None:
    email, codes = person
    now = int(time.time())
    next_code = codes.at(now + 30)
    assert (
        "You are signed in as"
        in with_password(api_server, email).send("/sign-in/code", code=next_code).page
    )
    for code in (next_code, codes.at(now - 90), codes.at(now + 120), "000", "", "abcdef"):
        visitor = with_password(api_server, email).send("/sign-in/code", code=code)
        assert visitor.status == 403
        assert "You are signed in as" not in visitor.page
    assert refusals(told, account)[0] == "code_reused"
    assert set(refusals(told, account)) == {"code_reused", "code_wrong"}


def test_an_unknown_email_and_a_wrong_password_are_answered_alike(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], told: Told, account: str
) -> None:
    email, _ = person
    pages = []
    for tried in (email, "nobody@example.com", "no email", "x" * 300 + "@example.com"):
        visitor = with_password(api_server, tried, "not the password at all")
        pages.append(visitor.page.replace(tried, ""))
        assert visitor.status == 403
        assert "Email or password is not right" in visitor.page

    def without_token(page: str) -> list[str]:
        return [line for line in page.splitlines() if 'name="form"' not in line]

    assert all(without_token(page) == without_token(pages[0]) for page in pages)
    assert refusals(told, account) == ["password_wrong"]


def test_guessing_is_stopped_and_the_right_password_does_not_help_then(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], told: Told, account: str
) -> None:
    email, _ = person
    visitor = Visitor(api_server.url).visit("/sign-in")
    changed(api_server, "DELETE FROM sign_in_attempts")
    for _ in range(OF_PERSON):
        assert visitor.send("/sign-in/password", email=email, password="wrong").status == 403
    for password in ("wrong", PASSWORD):
        visitor.visit("/sign-in").send("/sign-in/password", email=email, password=password)
        assert visitor.status == 429
        assert "Too many attempts" in visitor.page
    assert refusals(told, account)[-1] == "throttled"
    changed(api_server, "UPDATE sign_in_attempts SET since = since - interval '16 minutes'")
    assert "Enter your code" in with_password(api_server, email).page


def test_a_step_that_was_begun_in_one_browser_goes_on_in_no_other(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], told: Told, account: str
) -> None:
    email, codes = person
    begun = with_password(api_server, email)
    other = Visitor(api_server.url).visit("/sign-in")
    form = other.page
    other.page = (
        begun.page.split('name="step"')[0].split("<form")[0]
        + form
        + "".join(line for line in begun.page.splitlines() if 'name="step"' in line)
    )
    other.send("/sign-in/code", code=codes.at(int(time.time()) + 30))
    assert other.status == 403
    assert "Start again" in other.page
    assert refusals(told, account) == ["state_of_another_browser"]


def test_a_form_of_another_page_is_refused(api_server: ApiServer) -> None:
    visitor = Visitor(api_server.url).visit("/sign-in")
    visitor.page = visitor.page.replace('name="form" value="', 'name="form" value="0')
    assert visitor.send("/sign-in/password", email=EMAIL, password=PASSWORD).status == 403
    visitor.visit("/sign-in")
    visitor.client.headers["Origin"] = "https://evil.example"
    sent = visitor.client.post("/sign-in/password", data={"email": EMAIL, "password": PASSWORD})
    assert sent.status_code == 403


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("expires_at = now() - interval '1 second'", "expired"),
        ("revoked_at = now()", "taken back"),
        ("accepted_at = now()", "was used"),
    ],
)
def test_an_invitation_that_has_ended_is_refused_and_told(
    api_server: ApiServer, account: str, told: Told, ending: str, words: str
) -> None:
    link = invite(api_server.database_url, api_server.url, account, EMAIL)
    visitor = Visitor(api_server.url).visit(link)
    assert "You are invited" in visitor.page
    changed(api_server, f"UPDATE invitations SET {ending} WHERE account_id = %s", account)
    visitor.send(f"{link}/password", password=PASSWORD, again=PASSWORD)
    assert visitor.status == 403
    assert words in visitor.page
    assert EMAIL not in visitor.visit(link).page
    assert set(refusals(told, account)) == {"invitation_ended"}


def test_an_invitation_ends_while_codes_are_set_up(api_server: ApiServer, account: str) -> None:
    link = invite(api_server.database_url, api_server.url, account, "late@example.com")
    visitor = Visitor(api_server.url).visit(link)
    visitor.send(f"{link}/password", password=PASSWORD, again=PASSWORD)
    changed(api_server, "UPDATE invitations SET revoked_at = now() WHERE account_id = %s", account)
    visitor.send("/sign-in/code", code=pyotp.TOTP(visitor.secret).now())
    assert visitor.status == 403
    listed = with_people(
        api_server.database_url, api_server.url, lambda people: people.members.all(account)
    )
    assert listed == []


def test_an_account_is_called_by_its_name(api_server: ApiServer, account: str) -> None:
    changed(api_server, "UPDATE accounts SET name = 'Corner <shop>' WHERE id = %s", account)
    link = invite(api_server.database_url, api_server.url, account, "name@example.com")
    assert "is invited to Corner &lt;shop&gt;, as owner" in Visitor(api_server.url).visit(link).page


def test_a_link_that_nobody_made_tells_nothing(api_server: ApiServer) -> None:
    visitor = Visitor(api_server.url).visit("/invitations/" + "x" * 43)
    assert visitor.status == 403
    assert "This invitation is not open" in visitor.page


def test_one_who_has_signed_in_joins_a_second_account_by_its_link(
    api_server: ApiServer, account: str
) -> None:
    visitor, email = joined(api_server.database_url, api_server.url, account)
    second = api_server.open_account().account
    link = invite(api_server.database_url, api_server.url, second, email, "viewer")
    visitor.visit(link).send(f"{link}/join")
    assert f"{second}: viewer" in visitor.page
    stranger, _ = joined(api_server.database_url, api_server.url, account, "viewer")
    third = api_server.open_account().account
    link = invite(api_server.database_url, api_server.url, third, email, "viewer")
    assert "Sign out first" in stranger.visit(link).page
    assert stranger.send(f"{link}/join").status == 403
    assert third not in stranger.visit("/me").page


def test_codes_that_were_reset_are_set_up_anew(
    api_server: ApiServer, person: tuple[str, pyotp.TOTP], account: str
) -> None:
    email, _ = person

    async def reset(people: object) -> None:
        user = await people.members.find(email)  # type: ignore[attr-defined]
        await people.members.reset_codes(OPERATOR, user.id)  # type: ignore[attr-defined]

    with_people(api_server.database_url, api_server.url, reset)
    visitor = with_password(api_server, email)
    assert "Set up your codes" in visitor.page
    visitor.send("/sign-in/code", code="000000")
    assert (visitor.status, "This code is not right" in visitor.page) == (403, True)
    visitor.send("/sign-in/code", code=pyotp.TOTP(visitor.secret).now())
    assert "You are signed in as" in visitor.visit("/me").page


def test_one_who_is_disabled_is_signed_out_and_not_let_in(
    api_server: ApiServer, account: str, told: Told
) -> None:
    _, email = joined(api_server.database_url, api_server.url, account)
    changed(api_server, "UPDATE users SET disabled_at = now() WHERE email = %s", email)
    refused = with_password(api_server, email)
    assert refused.status == 403
    assert "You can no longer sign in" in refused.page
    assert refusals(told, account) == ["user_disabled"]


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("correct horse battery", True),
        ("ab cd ef gh ij", True),
        ("Ünïcödé wörds cøunt", True),
        ("short", False),
        ("elevenchars", False),
        ("x" * 20, False),
        ("passwordpassword", False),
        ("password12345", False),
        ("ada@example.com", False),
        ("ada@example.com1", False),
        ("abcdefgh" * 126, False),
    ],
)
def test_a_password_is_long_and_not_what_everybody_tries(password: str, good: bool) -> None:
    if good:
        require_good(password, "ada@example.com")
        return
    with pytest.raises(InvalidRequest) as refused:
        require_good(password, "ada@example.com")
    assert refused.value.param == "password"


def test_two_passwords_that_differ_are_said(api_server: ApiServer, account: str) -> None:
    link = invite(api_server.database_url, api_server.url, account, "typo@example.com")
    visitor = Visitor(api_server.url).visit(link)
    visitor.send(f"{link}/password", password=PASSWORD, again=PASSWORD + "!")
    assert (visitor.status, "The two passwords differ" in visitor.page) == (400, True)
    visitor.send(f"{link}/password", password="short", again="short")
    assert (visitor.status, "12 characters" in visitor.page) == (400, True)


async def test_passwords_are_hashed_with_argon2id_and_an_unknown_email_costs_as_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(infra, "PasswordHasher", PasswordHasher)
    passwords = Argon2Passwords()
    kept = await passwords.hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    spent = []
    for each in (kept, None):
        began = time.process_time()
        assert await passwords.matches(each, "something else") is False
        spent.append(time.process_time() - began)
    assert spent[1] > 0.3 * spent[0]
