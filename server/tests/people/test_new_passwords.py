"""Another password: by the old one, or by a link from whoever runs the server."""

from __future__ import annotations

import time

import pytest

from guilder_server.people.domain.passwords import OF_PERSON
from tests.people.conftest import Told, refusals
from tests.people.provider import Provider
from tests.people.signing_in import Person, changed, new_person, signed_in, with_password
from tests.support.api import ApiServer
from tests.support.people import OPERATOR, PASSWORD, Visitor, add_member, invite, with_people

PATH = "/v1/sessions/current/change_password"
ANOTHER = "another horse, another battery"


@pytest.fixture
def person(api_server: ApiServer, account: str) -> Person:
    return new_person(api_server, account)


def reset_link(server: ApiServer, email: str) -> str:
    async def link(people: object) -> str:
        user = await people.members.find(email)  # type: ignore[attr-defined]
        made = await people.resetting.link(OPERATOR, user.id)  # type: ignore[attr-defined]
        return str(made.url)

    return with_people(server.database_url, server.url, link)


def let_in(server: ApiServer, person: Person, password: str) -> bool:
    return "Enter your code" in with_password(server, person.email, password).page


def actions(told: Told) -> list[str]:
    return [entry.action for _, entry in told]


def test_a_password_is_changed_and_the_other_sessions_end(
    api_server: ApiServer, person: Person, told: Told
) -> None:
    here, elsewhere = signed_in(api_server, person), signed_in(api_server, person, 1)
    begun = with_password(api_server, person.email)
    link = reset_link(api_server, person.email)
    here.visit("/me/password")
    here.send("/me/password", password=PASSWORD, new_password=ANOTHER, again=ANOTHER)
    assert "Your password is changed" in here.page
    assert here.ask("GET", "/v1/users").status == 200
    assert elsewhere.ask("GET", "/v1/users").error["code"] == "session_ended"
    # Nor does what the old one began go on.
    begun.send("/sign-in/recovery-code", recovery_code=person.paper[2])
    assert (begun.status, "Start again" in begun.page) == (403, True)
    assert Visitor(api_server.url).visit(link).status == 403
    assert not let_in(api_server, person, PASSWORD)
    assert let_in(api_server, person, ANOTHER)
    [entry] = [entry for _, entry in told if entry.action == "change_password"]
    assert set(entry.after or {}) == {"session"}
    assert "another" not in repr(told)


WRONG = {
    "the old one is not theirs": (("not the password", ANOTHER, ANOTHER), "is not right"),
    "the old one is missing": (("", ANOTHER, ANOTHER), "is not right"),
    "the new ones differ": ((PASSWORD, ANOTHER, PASSWORD), "The two new passwords differ"),
    "the new one is short": ((PASSWORD, "short", "short"), "12 characters"),
    "everybody tries the new one": ((PASSWORD, "password12345", "password12345"), "the first that"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_change_is_refused_and_changes_nothing(
    api_server: ApiServer, person: Person, wrong: str
) -> None:
    (old, new, again), words = WRONG[wrong]
    here, elsewhere = signed_in(api_server, person), signed_in(api_server, person, 1)
    here.visit("/me/password")
    here.send("/me/password", password=old, new_password=new, again=again)
    assert (here.status, words in here.page) == (403, True)
    assert elsewhere.ask("GET", "/v1/users").status == 200
    assert let_in(api_server, person, PASSWORD)


@pytest.mark.parametrize("path", ["/me/password", "/me/recovery-codes"])
def test_a_form_of_another_page_or_of_nobody_is_refused(
    api_server: ApiServer, person: Person, path: str
) -> None:
    here = signed_in(api_server, person)
    fields = {
        "password": PASSWORD,
        "new_password": ANOTHER,
        "again": ANOTHER,
        "code": person.codes.at(int(time.time()) + 30),
    }
    here.page = ""  # without the token of the form
    assert here.send(path, **fields).status == 403
    here.visit(path)
    sent = here.client.post(path, data=fields, headers={"Origin": "https://evil.example"})
    assert sent.status_code == 403
    stranger = Visitor(api_server.url)
    for asked in (stranger.visit(path), stranger.send(path, **fields)):
        assert asked.at.endswith("/sign-in")
    assert let_in(api_server, person, PASSWORD)
    assert len(signed_in(api_server, person, 1).learn_csrf()["accounts"]) == 1


def test_a_password_is_changed_by_the_api(
    api_server: ApiServer, person: Person, told: Told
) -> None:
    here, elsewhere = signed_in(api_server, person), signed_in(api_server, person, 1)
    for old, new, status, code, param in (
        ("not the password", ANOTHER, 403, "password_wrong", None),
        (PASSWORD, "too short", 400, None, "new_password"),
        (PASSWORD, "", 400, "parameter_invalid_empty", "new_password"),
    ):
        refused = here.ask("POST", PATH, old_password=old, new_password=new)
        said = (refused.status, refused.error.get("code"), refused.error.get("param"))
        assert said == (status, code, param)
    assert elsewhere.ask("GET", "/v1/users").status == 200
    key = {"Idempotency-Key": f"password {time.monotonic_ns()}"}
    done = here.ask("POST", PATH, key, old_password=PASSWORD, new_password=ANOTHER)
    assert (done.status, done["object"], done["current"]) == (200, "session", True)
    assert "csrf_token" not in done.body
    again = here.ask("POST", PATH, key, old_password=PASSWORD, new_password=ANOTHER)
    assert again.content == done.content
    assert elsewhere.ask("GET", "/v1/users").error["code"] == "session_ended"
    assert let_in(api_server, person, ANOTHER)
    assert actions(told).count("change_password") == 1
    # What was answered before is not tried again.
    [refusal] = [entry for _, entry in told if entry.action == "proof_refused"]
    assert refusal.after == {"reason": "password_wrong", "for": "change_password"}
    assert refusal.request_id is not None


def test_a_key_that_was_used_for_something_else_changes_nothing(
    api_server: ApiServer, person: Person, account: str
) -> None:
    here = signed_in(api_server, person)
    key = {"Idempotency-Key": f"used {time.monotonic_ns()}"}
    assert here.ask("POST", "/v1/customers", key, name="Ada").status == 200
    member = add_member(api_server.database_url, account)
    code = person.codes.at(int(time.time()) + 30)
    for path, sent in (
        (PATH, {"old_password": PASSWORD, "new_password": ANOTHER}),
        ("/v1/sessions/current/recovery_codes", {"password": PASSWORD, "code": code}),
        ("/v1/invitations", {"email": "grace@example.com", "role": "viewer"}),
        (f"/v1/users/{member}", {"role": "admin"}),
    ):
        refused = here.ask("POST", path, key, **sent)
        assert (refused.status, refused.error["type"]) == (400, "idempotency_error")
    assert let_in(api_server, person, PASSWORD)
    assert here.learn_csrf()["recovery_codes_left"] == 9
    assert here.ask("GET", "/v1/invitations")["data"][0]["email"] == person.email
    assert here.ask("GET", f"/v1/users/{member}")["role"] == "viewer"


def test_guesses_of_whoever_holds_a_session_are_counted_with_those_at_the_sign_in(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    here = signed_in(api_server, person)
    changed(api_server, "DELETE FROM sign_in_attempts")
    for number in range(OF_PERSON):
        if number % 2:
            assert not let_in(api_server, person, "wrong")
            continue
        refused = here.ask("POST", PATH, old_password="wrong", new_password=ANOTHER)
        assert refused.error["code"] == "password_wrong"
    refused = here.ask("POST", PATH, old_password=PASSWORD, new_password=ANOTHER)
    assert (refused.status, refused.headers["retry-after"]) == (429, "900")
    here.visit("/me/password")
    here.send("/me/password", password=PASSWORD, new_password=ANOTHER, again=ANOTHER)
    assert (here.status, "Too many attempts" in here.page) == (429, True)
    assert with_password(api_server, person.email).status == 429
    told_of = [entry.after or {} for _, entry in told if entry.action == "proof_refused"]
    assert [one["reason"] for one in told_of][-2:] == ["throttled"] * 2
    changed(api_server, "UPDATE sign_in_attempts SET since = since - interval '16 minutes'")
    assert let_in(api_server, person, PASSWORD)


def test_who_signs_in_with_a_provider_has_no_password_to_change(
    api_server: ApiServer, account: str, provider: Provider
) -> None:
    email = f"o{time.monotonic_ns()}@example.com"
    link = invite(api_server.database_url, api_server.url, account, email)
    provider.signs_in(email)
    visitor = Visitor(api_server.url).visit(f"{link}/provider").visit("/me")
    assert "You are signed in as" in visitor.page
    assert "Change your password" not in visitor.page
    seen = visitor.learn_csrf()
    assert "recovery_codes_left" not in seen
    refused = visitor.ask("POST", PATH, old_password=PASSWORD, new_password=ANOTHER)
    assert (refused.status, refused.error["code"]) == (400, "password_not_set")
    visitor.visit("/me/password")
    visitor.send("/me/password", password="", new_password=ANOTHER, again=ANOTHER)
    assert "You sign in with your provider" in visitor.page
    with pytest.raises(Exception, match="signs in with the provider"):
        reset_link(api_server, email)


def test_a_link_sets_a_new_password_once_and_ends_all_sessions(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    elsewhere = signed_in(api_server, person)
    begun = with_password(api_server, person.email)
    link = reset_link(api_server, person.email)
    visitor = Visitor(api_server.url).visit(link)
    assert person.email in visitor.page
    assert visitor.client.get(link).headers["cache-control"] == "no-store"
    for password, again, words in (
        (ANOTHER, PASSWORD, "The two passwords differ"),
        ("short", "short", "12 characters"),
    ):
        visitor.send(link, password=password, again=again)
        assert (visitor.status, words in visitor.page) == (400, True)
    assert elsewhere.ask("GET", "/v1/users").status == 200
    visitor.send(link, password=ANOTHER, again=ANOTHER)
    assert "Your password is set" in visitor.page
    # Nobody is signed in by it, and the second factor stays.
    assert visitor.visit("/me").at.endswith("/sign-in")
    assert elsewhere.ask("GET", "/v1/users").error["code"] == "session_ended"
    begun.send("/sign-in/recovery-code", recovery_code=person.paper[1])
    assert (begun.status, "Start again" in begun.page) == (403, True)
    assert not let_in(api_server, person, PASSWORD)
    entering = with_password(api_server, person.email, ANOTHER)
    entering.send("/sign-in/code", code=person.codes.at(int(time.time()) + 30))
    assert "You have 9 recovery codes left" in entering.page
    told.clear()
    replayed = Visitor(api_server.url).visit(link)
    assert (replayed.status, person.email in replayed.page) == (403, False)
    assert refusals(told, account) == ["reset_ended"]


def test_a_link_is_told_to_the_accounts(
    api_server: ApiServer, person: Person, told: Told, account: str
) -> None:
    link = reset_link(api_server, person.email)
    visitor = Visitor(api_server.url).visit(link)
    visitor.send(link, password=ANOTHER, again=ANOTHER)
    entries = [entry for named, entry in told if named == account]
    assert [entry.action for entry in entries] == ["reset_password", "change_password"]
    assert [entry.actor.kind for entry in entries] == ["operator", "user"]
    assert entries[1].after == {"by": "link"}
    assert link.rpartition("/")[2] not in repr(told)


ENDED = {
    "expired": "UPDATE password_resets SET expires_at = now()",
    "used": "UPDATE password_resets SET used_at = now()",
    "of somebody who is disabled": "UPDATE users SET disabled_at = now() WHERE email = %s",
}


@pytest.mark.parametrize("how", ENDED)
def test_a_link_that_has_ended_is_refused_when_it_is_looked_at_and_when_it_is_used(
    api_server: ApiServer, person: Person, told: Told, account: str, how: str
) -> None:
    link = reset_link(api_server, person.email)
    visitor = Visitor(api_server.url).visit(link)
    changed(api_server, ENDED[how], *([person.email] if "%s" in ENDED[how] else []))
    visitor.send(link, password=ANOTHER, again=ANOTHER)
    assert visitor.status == 403
    assert Visitor(api_server.url).visit(link).status == 403
    assert set(refusals(told, account)) <= {"reset_ended", "user_disabled"}
    assert len(refusals(told, account)) == 2
    changed(api_server, "UPDATE users SET disabled_at = NULL WHERE email = %s", person.email)
    assert let_in(api_server, person, PASSWORD)


def test_a_second_link_ends_the_first_and_one_that_nobody_made_is_answered_alike(
    api_server: ApiServer, person: Person
) -> None:
    first, second = (reset_link(api_server, person.email) for _ in range(2))
    pages = [
        Visitor(api_server.url).visit(link)
        for link in (first, first[:-1] + ("A" if first[-1] != "A" else "B"), "/new-password/x")
    ]
    assert {(one.status, one.page) for one in pages} == {(403, pages[0].page)}
    visitor = Visitor(api_server.url).visit(second)
    assert "Your password is set" in visitor.send(second, password=ANOTHER, again=ANOTHER).page


def test_a_form_of_another_page_sets_no_password(api_server: ApiServer, person: Person) -> None:
    link = reset_link(api_server, person.email)
    visitor = Visitor(api_server.url).visit(link)
    visitor.page = ""
    assert visitor.send(link, password=ANOTHER, again=ANOTHER).status == 403
    visitor.visit(link)
    sent = visitor.client.post(
        link,
        data={"password": ANOTHER, "again": ANOTHER},
        headers={"Origin": "https://evil.example"},
    )
    assert sent.status_code == 403
    assert let_in(api_server, person, PASSWORD)


def test_a_link_lets_in_who_had_guessed_too_often(api_server: ApiServer, person: Person) -> None:
    for _ in range(OF_PERSON + 1):
        with_password(api_server, person.email, "wrong")
    assert with_password(api_server, person.email).status == 429
    link = reset_link(api_server, person.email)
    Visitor(api_server.url).visit(link).send(link, password=ANOTHER, again=ANOTHER)
    assert let_in(api_server, person, ANOTHER)
