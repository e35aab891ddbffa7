"""Secrets that the server itself hands out: keys, tokens, cookies, links; and what people sign in
with."""

from __future__ import annotations

import re
import time
import uuid
from contextlib import suppress

import httpx
import pyotp
import pytest

from guilder_server.people.assembly import Populace
from tests.oauth.asking import Client, post, registered
from tests.secrets.test_canaries import lost, taking_nothing
from tests.secrets.watching import CARD, OPERATOR_KEY, PASSWORD, TOKEN, Watched
from tests.support.api import Answer, Api, unique
from tests.support.people import OPERATOR, Visitor, invite, with_people
from tests.support.processes import eventually

CANARY = "another-horse-for-canaries"
_STEP = re.compile(r'name="step" value="([^"]+)"')


def as_stranger(watched: Watched, path: str, token: str) -> None:
    """A secret where none belongs: in a path, a query, a header of another kind."""
    url = watched.world.api.url
    for method, place in (
        ("GET", f"{path}/{token}"),
        ("POST", f"{path}/{token}/roll"),
        ("GET", f"{path}?starting_after={token}"),
        ("GET", f"/invitations/{token}"),
        ("GET", f"/sign-in/callback?state={token}&code={token}"),
    ):
        httpx.request(method, url + place, auth=(watched.account.secret_key, ""), verify=False)
    httpx.get(f"{url}/v1/account", cookies={"guilder_session": token}, verify=False)
    httpx.get(f"{url}/v1/account", auth=("x", token), verify=False)


def made_twice(api: Api, path: str, **params: object) -> Answer:
    """The answer is kept for whoever repeats the request, and given to them again."""
    key = unique()
    first, again = (api.post(path, key=key, **params) for _ in range(2))
    assert first.status == 200, first.body
    assert first.content == again.content
    return first


def test_a_key_that_is_handed_out_is_nowhere_afterwards(watched: Watched) -> None:
    api = watched.world.api
    made = made_twice(api, "/v1/api_keys", kind="secret", name="till")
    rolled = made_twice(api, f"/v1/api_keys/{made['id']}/roll")
    watched.secrets.update(one["secret"] for one in (made, rolled))
    for secret in (made["secret"], rolled["secret"]):
        assert api.send("GET", "/v1/account", {}, secret=secret).status == 200
        as_stranger(watched, "/v1/api_keys", secret)
    endpoint = made_twice(
        api, "/v1/webhook_endpoints", url="https://8.8.8.8/a", enabled_events=["*"]
    )
    anew = made_twice(api, f"/v1/webhook_endpoints/{endpoint['id']}/roll_secret")
    watched.secrets.update((endpoint["secret"], anew["secret"]))
    assert "\n".join(watched.found()) == ""


def test_the_operators_key_and_those_that_it_hands_out_are_nowhere(watched: Watched) -> None:
    account, desk = watched.account.account, watched.served.api(watched.account)
    desk.key = OPERATOR_KEY
    made = made_twice(
        desk, f"/v1/operator/accounts/{account}/keys", kind="secret", livemode=False, name="shop"
    )
    rolled = made_twice(desk, f"/v1/operator/accounts/{account}/keys/{made['id']}/roll")
    watched.secrets.update(one["key"] for one in (made, rolled))
    as_stranger(watched, f"/v1/operator/accounts/{account}", rolled["key"])
    assert desk.get("/v1/operator/accounts").status == 200
    assert desk.get(f"/v1/operator/accounts/{CARD}").status == 404
    desk.close()
    assert "\n".join(watched.found()) == ""


def test_what_a_client_authenticates_with_is_nowhere(watched: Watched) -> None:
    api = watched.world.api
    client = registered(api, "customers:read")
    rolled = made_twice(api, f"/v1/oauth_clients/{client.id}/roll_secret", overlap_s=60)
    token = client.token(scope="customers:read")
    signature = token.rpartition(".")[2]
    watched.secrets.update((client.secret, rolled["secret"], token, signature))
    assert Client(api.url, client.id, rolled["secret"]).ask().status_code == 200
    assert api.send("GET", "/v1/customers", {}, secret=token).status == 200
    assert api.send("GET", "/v1/customers", {}, secret=token[:-2]).status == 401
    assert api.send("POST", "/v1/customers", {}, secret=token).status == 403
    for wrong in (PASSWORD, TOKEN, token, rolled["secret"] + "x"):
        assert client.ask(wrong).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": wrong}
        assert post(api.url, form).status_code == 401
        assert post(api.url, form | {"scope": wrong}).status_code in (400, 401)
        httpx.post(f"{api.url}/oauth/token?client_secret={wrong}", data=form, verify=False)
    for one in (client.secret, token):
        as_stranger(watched, "/v1/oauth_clients", one)
    assert "\n".join(watched.found()) == ""


def remember(watched: Watched, paper: list[str]) -> None:
    """Recovery codes, however they are written."""
    assert len(paper) == 10
    watched.secrets.update(paper, (one.replace("-", "") for one in paper))


def joined(watched: Watched) -> tuple[Visitor, str, pyotp.TOTP]:
    """Somebody who took an invitation with many a mistake; their email and their codes."""
    url, email = watched.served.url, f"{uuid.uuid4().hex[:12]}@example.com"
    link = invite(watched.served.database_url, url, watched.account.account, email)
    watched.secrets.add(link.rpartition("/")[2])
    visitor = Visitor(url).visit(link)
    visitor.send(f"{link}/password", name="Ada", password=PASSWORD, again=TOKEN)
    visitor.send(f"{link}/password", name="Ada", password=PASSWORD, again=PASSWORD)
    step, codes = _STEP.search(visitor.page), pyotp.TOTP(visitor.secret)
    assert step is not None
    watched.secrets.update((visitor.secret, step[1]))
    for wrong in (CARD, PASSWORD):
        visitor.send("/sign-in/code", code=wrong)
        assert visitor.status == 403
    visitor.send("/sign-in/code", code=codes.now())
    remember(watched, visitor.recovery_codes)
    assert "You are signed in as" in visitor.visit("/me").page, visitor.page
    visitor.learn_csrf()
    watched.secrets.add(visitor.csrf)
    watched.secrets.update(cookie.value or "" for cookie in visitor.client.cookies.jar)
    return visitor, email, codes


@pytest.fixture(scope="module")
def person(watched: Watched) -> tuple[Visitor, str, pyotp.TOTP]:
    return joined(watched)


def test_what_a_person_signs_in_with_is_nowhere(
    watched: Watched, person: tuple[Visitor, str, pyotp.TOTP]
) -> None:
    visitor, email, codes = person
    session = next(one.value for one in visitor.client.cookies.jar if "session" in one.name)
    other = Visitor(watched.served.url).visit("/sign-in")
    # In the field before: it happens.
    for wrong in ((PASSWORD, ""), (email, TOKEN), (email, CARD)):
        other.send("/sign-in/password", email=wrong[0], password=wrong[1])
    other.send("/sign-in/password", email=email, password=PASSWORD)
    step = _STEP.search(other.page)
    assert step is not None
    watched.secrets.add(step[1])
    other.send("/sign-in/code", code=PASSWORD)
    assert other.status == 403
    # Refused if it was taken already within its half minute.
    other.send("/sign-in/code", code=codes.now())
    watched.secrets.update(cookie.value or "" for cookie in other.client.cookies.jar)
    made = visitor.ask("POST", "/v1/invitations", email=f"b{email}", role="viewer")
    watched.secrets.add(made["url"].rpartition("/")[2])
    for secret in (session or "", visitor.csrf, made["url"].rpartition("/")[2]):
        visitor.ask("GET", "/v1/users", starting_after="user_none")
        visitor.ask("POST", "/v1/customers", {"X-CSRF-Token": secret[::-1]}, name="Ada")
        httpx.get(f"{watched.served.url}/v1/account", cookies={"a": secret}, verify=False)
    assert "\n".join(watched.found()) == ""


def test_what_renews_a_password_and_codes_is_nowhere(watched: Watched) -> None:
    visitor, email, codes = joined(watched)
    url, paths = watched.served.url, ("change_password", "recovery_codes")
    other = Visitor(url).visit("/sign-in")
    other.send("/sign-in/password", email=email, password=PASSWORD)
    for wrong in (PASSWORD, CARD, TOKEN):
        other.send("/sign-in/recovery-code", recovery_code=wrong)
        assert other.status == 403
    sent = {"old_password": CANARY, "new_password": PASSWORD, "password": CANARY, "code": CANARY}
    for path in paths:
        for name, value in sent.items():
            visitor.ask("POST", f"/v1/sessions/current/{path}", **{name: value})
        visitor.ask("POST", f"/v1/sessions/current/{path}", **sent)
    key = {"Idempotency-Key": unique()}
    given = {"password": PASSWORD, "code": codes.at(int(time.time()) + 30)}
    for _ in range(2):
        made = visitor.ask("POST", "/v1/sessions/current/recovery_codes", key, **given)
        assert made.status == 200, made.body
        remember(watched, made["recovery_codes"])
    link = reset_link(watched, email)
    reset = Visitor(url).visit(link)
    reset.send(link, password=CANARY, again=PASSWORD)
    reset.send(link, password=CANARY, again=CANARY)
    assert "Your password is set" in reset.page
    Visitor(url).visit(link)
    watched.secrets.add(CANARY)
    assert "\n".join(watched.found()) == ""


def reset_link(watched: Watched, email: str) -> str:
    async def make(people: Populace) -> str:
        user = await people.members.find(email)
        return (await people.resetting.link(OPERATOR, user.id)).url

    link = with_people(watched.served.database_url, watched.served.url, make)
    watched.secrets.add(link.rpartition("/")[2])
    return link


def test_a_fault_at_what_is_good_once_is_logged_without_what_was_sent(watched: Watched) -> None:
    visitor, email, codes = joined(watched)
    paper = visitor.visit("/me/recovery-codes")
    link = reset_link(watched, email)
    reset = Visitor(watched.served.url).visit(link)
    before = len(watched.served.log.read_text())
    url = watched.served.database_url
    with taking_nothing(url, "recovery_codes"), taking_nothing(url, "password_resets"):
        with suppress(httpx.TransportError):
            code = codes.at(int(time.time()) + 30)
            paper.send("/me/recovery-codes", password=PASSWORD, code=code)
        with suppress(httpx.TransportError):
            reset.send(link, password=CANARY, again=CANARY)
    watched.secrets.add(CANARY)
    read, fault = watched.served.log.read_text, "psycopg.errors.CheckViolation"
    assert eventually(lambda: read()[before:].count(fault) >= 2)  # written after the answer
    log = read()
    for private in ("Failing row", "$argon2", email):
        assert private not in log
    assert "\n".join(watched.found()) == ""


@pytest.mark.parametrize("broken", [lost, taking_nothing])
@pytest.mark.parametrize("table", ["users", "sessions", "sign_in_states", "sign_in_attempts"])
def test_a_fault_at_a_sign_in_is_logged_without_what_was_sent(
    watched: Watched, person: tuple[Visitor, str, pyotp.TOTP], broken: type, table: str
) -> None:
    _, email, codes = person
    url = watched.served.url
    link = invite(watched.served.database_url, url, watched.account.account, f"{table}{email}")
    watched.secrets.add(link.rpartition("/")[2])
    before = len(watched.served.log.read_text())
    visitor, other = Visitor(url).visit("/sign-in"), Visitor(url).visit(link)
    with broken(watched.served.database_url, table):
        # A server that fails outside of the API closes the connection.
        with suppress(httpx.TransportError):
            visitor.send("/sign-in/password", email=email, password=PASSWORD)
            visitor.send("/sign-in/code", code=codes.now())
        with suppress(httpx.TransportError):
            other.send(f"{link}/password", name="Bo", password=PASSWORD, again=PASSWORD)
    read = watched.served.log.read_text
    if table.startswith("sign_in"):  # which each of these steps writes to
        said = "UndefinedTable" if broken is lost else "CheckViolation"
        assert eventually(lambda: f"psycopg.errors.{said}" in read()[before:])
    log = read()
    for private in ("Failing row", "$argon2", email):
        assert private not in log
    assert "\n".join(watched.found()) == ""
