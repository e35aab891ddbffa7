"""Codes on paper: shown once, good once, made anew; and what is refused."""

from __future__ import annotations

import time

import psycopg
import pyotp
import pytest

from guilder_server.people.domain import recovery
from guilder_server.people.domain.passwords import OF_PERSON
from tests.people.conftest import Told, refusals
from tests.people.signing_in import Person, changed, new_person, with_password
from tests.support.api import ApiServer
from tests.support.people import OPERATOR, PASSWORD, Visitor, with_people

PATH = "/v1/sessions/current/recovery_codes"


@pytest.fixture
def person(api_server: ApiServer, account: str) -> Person:
    return new_person(api_server, account)


def with_recovery_code(server: ApiServer, person: Person, code: str) -> Visitor:
    visitor = with_password(server, person.email)
    assert "I have no authenticator" in visitor.page
    return visitor.send("/sign-in/recovery-code", recovery_code=code)


def actions(told: Told) -> list[str]:
    return [entry.action for _, entry in told]


def test_ten_codes_are_shown_when_codes_are_set_up_and_each_signs_in_once(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    assert len(set(person.paper)) == 10
    first, second, *_ = person.paper
    visitor = with_recovery_code(api_server, person, first)
    assert "You are signed in as" in visitor.page
    assert "You have 9 recovery codes left" in visitor.page
    seen = visitor.learn_csrf()
    assert (seen["factor"], seen["recovery_codes_left"]) == ("password_and_recovery_code", 9)
    again = with_recovery_code(api_server, person, first)
    assert (again.status, "each is good once" in again.page) == (403, True)
    # On the same page the next one may be tried, however it is typed.
    again.send("/sign-in/recovery-code", recovery_code=f" {second.lower().replace('-', ' ')} ")
    assert "You have 8 recovery codes left" in again.page
    assert refusals(told, account) == ["recovery_code_wrong"]
    assert actions(told).count("use_recovery_code") == 2
    used = [entry.after for _, entry in told if entry.action == "use_recovery_code"]
    assert used == [{"remaining": 9}, {"remaining": 8}]
    signed = [entry.after or {} for _, entry in told if entry.action == "sign_in"]
    assert {one["factor"] for one in signed} == {"password_and_recovery_code"}
    assert not any(code in repr(told) for code in person.paper)


@pytest.mark.parametrize("wrong", ["", "x", "0" * 16, "0000-0000-0000-0000", "ÀÉÎÕ" * 4, "9" * 400])
def test_what_is_no_recovery_code_signs_nobody_in(
    api_server: ApiServer, person: Person, told: Told, account: str, wrong: str
) -> None:
    visitor = with_recovery_code(api_server, person, wrong)
    assert (visitor.status, "not right" in visitor.page) == (403, True)
    assert refusals(told, account) == ["recovery_code_wrong"]


def test_the_codes_of_one_person_are_nothing_to_another(
    api_server: ApiServer, person: Person, account: str
) -> None:
    other = new_person(api_server, account)
    assert with_recovery_code(api_server, other, person.paper[0]).status == 403
    # Nor do the two kinds stand in for each other.
    visitor = with_password(api_server, person.email)
    assert visitor.send("/sign-in/code", code=person.paper[0]).status == 403
    code = person.codes.at(int(time.time()) + 30)
    assert visitor.send("/sign-in/recovery-code", recovery_code=code).status == 403


def test_a_recovery_code_is_no_first_code_of_an_authenticator(
    api_server: ApiServer, person: Person
) -> None:
    reset_codes(api_server, person)
    visitor = with_password(api_server, person.email)
    assert "Set up your codes" in visitor.page
    visitor.send("/sign-in/recovery-code", recovery_code=person.paper[0])
    assert visitor.status == 403
    assert "Start again" in visitor.page


def test_guesses_are_counted_with_those_of_the_authenticator(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    changed(api_server, "DELETE FROM sign_in_attempts")
    visitor = with_password(api_server, person.email)
    for number in range(OF_PERSON):
        path, name = (
            ("/sign-in/recovery-code", "recovery_code") if number % 2 else ("/sign-in/code", "code")
        )
        assert visitor.send(path, **{name: "000000"}).status == 403
    visitor.send("/sign-in/recovery-code", recovery_code=person.paper[0])
    assert (visitor.status, "Too many attempts" in visitor.page) == (429, True)
    assert refusals(told, account)[-1] == "throttled"
    changed(api_server, "UPDATE sign_in_attempts SET since = since - interval '16 minutes'")
    assert "You are signed in" in with_recovery_code(api_server, person, person.paper[0]).page


def test_a_form_of_another_page_takes_no_code(api_server: ApiServer, person: Person) -> None:
    visitor = with_password(api_server, person.email)
    good = visitor.page
    visitor.page = good.replace('name="form" value="', 'name="form" value="0')
    assert visitor.send("/sign-in/recovery-code", recovery_code=person.paper[0]).status == 403
    visitor.page = good
    visitor.send("/sign-in/recovery-code", recovery_code=person.paper[0])
    assert "You have 9 recovery codes left" in visitor.page


def test_ten_new_ones_end_the_old_ones(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    visitor = with_recovery_code(api_server, person, person.paper[0])
    visitor.visit("/me/recovery-codes")
    assert "You have 9 recovery codes left" in visitor.page
    code = person.codes.at(int(time.time()) + 30)
    visitor.send("/me/recovery-codes", password="not the password", code=code)
    assert (visitor.status, "The password is not right" in visitor.page) == (403, True)
    visitor.send("/me/recovery-codes", password=PASSWORD, code="000000")
    assert (visitor.status, "This code is not right" in visitor.page) == (403, True)
    # Neither took anything.
    visitor.send("/me/recovery-codes", password=PASSWORD, code=code)
    made = visitor.recovery_codes
    assert (len(set(made)), set(made) & set(person.paper)) == (10, set())
    visitor.visit("/me/recovery-codes").send("/me/recovery-codes", password=PASSWORD, code=code)
    assert "This code was used already" in visitor.page
    assert with_recovery_code(api_server, person, person.paper[1]).status == 403
    assert "You have 9 recovery" in with_recovery_code(api_server, person, made[0]).page
    told_of = [entry.after for _, entry in told if entry.action == "proof_refused"]
    assert told_of == [
        {"reason": reason, "for": "create_recovery_codes"}
        for reason in ("password_wrong", "code_wrong", "code_reused")
    ]
    assert actions(told).count("create_recovery_codes") == 1
    assert not any(code in repr(told) for code in made)


def test_ten_new_ones_by_the_api(api_server: ApiServer, person: Person, account: str) -> None:
    visitor = with_recovery_code(api_server, person, person.paper[0])
    visitor.learn_csrf()
    code = person.codes.at(int(time.time()) + 30)
    refused = visitor.ask("POST", PATH, password="not the password", code=code)
    assert (refused.status, refused.error["code"]) == (403, "password_wrong")
    refused = visitor.ask("POST", PATH, password=PASSWORD, code="000000")
    assert (refused.status, refused.error["code"]) == (403, "code_wrong")
    key = {"Idempotency-Key": f"codes {time.monotonic_ns()}"}
    made = visitor.ask("POST", PATH, key, password=PASSWORD, code=code)
    assert (made.status, made["object"], len(made["recovery_codes"])) == (200, "recovery_codes", 10)
    # A repeated request is told the same; a new one needs a new code.
    again = visitor.ask("POST", PATH, key, password=PASSWORD, code=code)
    assert again.content == made.content
    refused = visitor.ask("POST", PATH, password=PASSWORD, code=code)
    assert (refused.status, refused.error["code"]) == (403, "code_reused")
    assert visitor.learn_csrf()["recovery_codes_left"] == 10
    assert with_recovery_code(api_server, person, person.paper[1]).status == 403
    paper = made["recovery_codes"]
    assert "You have 9 recovery codes" in with_recovery_code(api_server, person, paper[0]).page


def reset_codes(server: ApiServer, person: Person) -> None:
    async def reset(people: object) -> None:
        user = await people.members.find(person.email)  # type: ignore[attr-defined]
        await people.members.reset_codes(OPERATOR, user.id)  # type: ignore[attr-defined]

    with_people(server.database_url, server.url, reset)


def test_who_is_reset_loses_their_codes_and_is_given_new_ones(
    api_server: ApiServer, person: Person
) -> None:
    under_way = with_password(api_server, person.email)
    reset_codes(api_server, person)
    under_way.send("/sign-in/recovery-code", recovery_code=person.paper[0])
    assert under_way.status == 403
    visitor = with_password(api_server, person.email)
    visitor.send("/sign-in/code", code=pyotp.TOTP(visitor.secret).now())
    made = visitor.recovery_codes
    assert len(set(made) - set(person.paper)) == 10
    assert with_recovery_code(api_server, person, person.paper[0]).status == 403
    assert "You have 9 recovery" in with_recovery_code(api_server, person, made[0]).page


def test_codes_are_kept_so_that_nobody_can_read_them(api_server: ApiServer, person: Person) -> None:
    with psycopg.connect(api_server.database_url) as connection:
        rows = connection.execute(
            "SELECT r.hash FROM recovery_codes r JOIN users u ON u.id = r.user_id "
            "WHERE u.email = %s",
            [person.email],
        ).fetchall()
    assert len({bytes(row[0]) for row in rows}) == 10
    assert {len(row[0]) for row in rows} == {32}


def test_what_people_write_on_paper_is_read_back() -> None:
    code = recovery.new()
    assert recovery.as_kept(code) == code.replace("-", "")
    assert recovery.as_kept("oOiI-lL00-1111-abcd") == "00111100" + "1111" + "ABCD"
    assert len({recovery.new() for _ in range(1000)}) == 1000
    for wrong in ("", "U" * 16, "A" * 15, "A" * 17, "\u0660" * 16):
        assert recovery.as_kept(wrong) is None
