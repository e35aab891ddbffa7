"""Signing in with a provider: who is let in the first time, and everything that is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pyotp
import pytest
from joserfc.jwk import RSAKey

from tests.people.conftest import Told, refusals
from tests.people.provider import Claims, Provider
from tests.support.api import ApiServer
from tests.support.people import PASSWORD, Visitor, invite, joined
from tests.support.processes import eventually

FOREIGN = RSAKey.generate_key(2048, {"kid": "first"})


def encoded(value: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def without_signature(provider: Provider, claims: Claims) -> str:
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def by_public_key(provider: Provider, claims: Claims) -> str:
    """As if the issuer's public key were a shared secret."""
    text = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(claims)}"
    secret = provider.key.as_pem(private=False)
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def by_embedded_key(provider: Provider, claims: Claims) -> str:
    """Signed by a key that the token itself brings along."""
    return provider.signed(claims, FOREIGN, kid="mine", jwk=FOREIGN.as_dict(private=False))


def by_foreign_key(provider: Provider, claims: Claims) -> str:
    return provider.signed(claims, FOREIGN)


def with_changed_claims(provider: Provider, claims: Claims) -> str:
    header, _, signature = provider.signed(claims).split(".")
    return f"{header}.{encoded(claims | {'sub': 'somebody'})}.{signature}"


def saying(**changes: Any) -> Callable[[Provider, Claims], str]:
    def make(provider: Provider, claims: Claims) -> str:
        merged = claims | changes
        return provider.signed({k: v for k, v in merged.items() if v is not None})

    return make


HOSTILE: dict[str, tuple[Callable[[Provider, Claims], str], str]] = {
    "no signature": (without_signature, "token_algorithm"),
    "the public key as a secret": (by_public_key, "token_algorithm"),
    "a key in the header": (by_embedded_key, "token_signature"),
    "a foreign key": (by_foreign_key, "token_signature"),
    "changed claims": (with_changed_claims, "token_signature"),
    "another nonce": (saying(nonce="another"), "token_nonce"),
    "no nonce": (saying(nonce=None), "token_nonce"),
    "another issuer": (saying(iss="https://evil.example"), "token_issuer"),
    "another audience": (saying(aud="another"), "token_audience"),
    "no audience": (saying(aud=None), "token_audience"),
    "several audiences without a party": (saying(aud=["guilder", "other"]), "token_audience"),
    "another party": (saying(azp="another"), "token_audience"),
    "expired": (saying(exp=int(time.time()) - 120), "token_expired"),
    "no end": (saying(exp=None), "token_expired"),
    "an end that is no time": (saying(exp="tomorrow"), "token_expired"),
    "made in the future": (saying(iat=int(time.time()) + 3600), "token_expired"),
    "an end that is no number": (saying(exp=float("nan")), "token_expired"),
    "a subject that cannot be stored": (saying(sub="a\0b"), "token_malformed"),
    "a subject that is no text": (saying(sub=7), "token_malformed"),
    "no subject": (saying(sub=None), "token_malformed"),
    "an endless subject": (saying(sub="x" * 300), "token_malformed"),
    "no token": (lambda _provider, _claims: "not a token", "token_algorithm"),
    "an endless token": (lambda _provider, _claims: "x" * 20_000, "token_malformed"),
}


@pytest.fixture
def email() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


@pytest.fixture
def link(api_server: ApiServer, account: str, email: str) -> str:
    return invite(api_server.database_url, api_server.url, account, email)


def let_in(visitor: Visitor) -> bool:
    return visitor.status == 200 and visitor.at.endswith("/me")


def test_a_person_is_let_in_the_first_time_by_their_invitation_and_then_by_who_they_are(
    api_server: ApiServer, provider: Provider, account: str, email: str, link: str, told: Told
) -> None:
    subject = provider.signs_in(email.upper(), name="Ada Lovelace")
    visitor = Visitor(api_server.url).visit(link)
    assert "Go on with Example" in visitor.page
    assert let_in(visitor.visit(f"{link}/provider"))
    assert f"Ada Lovelace ({email})" in visitor.page
    assert f"{account}: owner" in visitor.page
    # Their email may change there: they stay who they are.
    provider.signs_in("new@example.com", sub=subject, email_verified=False)
    again = Visitor(api_server.url).visit("/sign-in/provider")
    assert let_in(again)
    assert email in again.page
    actions = [entry.action for named, entry in told if named == account]
    assert actions == ["accept_invitation", "sign_in", "sign_in"]


def test_an_open_invitation_to_a_verified_email_needs_no_link(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    provider.signs_in(email)
    assert let_in(Visitor(api_server.url).visit("/sign-in/provider"))


def test_invitations_are_taken_in_one_order_whichever_link_was_followed(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    """Or two who take several of them at once could each wait for the other."""
    later = api_server.open_account().account
    second = invite(api_server.database_url, api_server.url, later, email)
    provider.signs_in(email)
    asked = "SELECT id FROM invitations WHERE email = %s ORDER BY id"
    held = "SELECT FROM invitations WHERE id = %s FOR UPDATE NOWAIT"
    blocked = "SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(api_server.database_url) as connection:
            first, last = (id for (id,) in connection.execute(asked, [email]).fetchall())
            connection.execute(held, [first])
            visiting = pool.submit(Visitor(api_server.url).visit, f"{second}/provider")
            eventually(lambda: connection.execute(blocked).fetchone() is not None)
            connection.execute(held, [last])
        visitor = visiting.result()
    assert let_in(visitor)
    assert visitor.page.count(": owner") == 2


def test_an_invitation_to_an_account_that_was_closed_keeps_nobody_from_another(
    api_server: ApiServer, provider: Provider, account: str, email: str, link: str
) -> None:
    closed = api_server.open_account().account
    invite(api_server.database_url, api_server.url, closed, email)
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("UPDATE accounts SET status = 'closed' WHERE id = %s", [closed])
    provider.signs_in(email)
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    assert let_in(visitor)
    assert f"{account}: owner" in visitor.page
    assert closed not in visitor.page


def test_an_email_that_only_the_userinfo_tells_counts(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    subject = provider.signs_in(email)
    provider.person = {"sub": subject}
    provider.userinfo = {"sub": subject, "email": email, "email_verified": True}
    assert let_in(Visitor(api_server.url).visit(f"{link}/provider"))


def test_the_userinfo_of_somebody_else_does_not(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    provider.signs_in(email)
    provider.person = {"sub": "me"}
    provider.userinfo = {"sub": "somebody", "email": email, "email_verified": True}
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    assert visitor.status == 403
    assert "has not verified" in visitor.page


def test_what_verifies_an_email_comes_from_where_the_email_does(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    subject = provider.signs_in(email)
    provider.person = {"sub": subject, "email_verified": True}
    provider.userinfo = {"sub": subject, "email": email, "email_verified": False}
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    assert visitor.status == 403
    assert "has not verified" in visitor.page
    provider.userinfo = {"sub": subject, "email": email}
    assert Visitor(api_server.url).visit(f"{link}/provider").status == 403


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
def test_an_email_that_is_not_verified_takes_nothing_over(
    api_server: ApiServer,
    provider: Provider,
    account: str,
    email: str,
    link: str,
    told: Told,
    verified: Any,
) -> None:
    provider.signs_in(email, email_verified=verified)
    for place in (f"{link}/provider", "/sign-in/provider"):
        visitor = Visitor(api_server.url).visit(place)
        assert visitor.status == 403
        assert "has not verified your email" in visitor.page
    assert refusals(told, account) == ["email_unverified"]
    provider.signs_in(email)
    assert let_in(Visitor(api_server.url).visit(f"{link}/provider"))


def test_one_without_an_invitation_is_told_to_ask_for_one(
    api_server: ApiServer, provider: Provider
) -> None:
    provider.signs_in("uninvited@example.com")
    visitor = Visitor(api_server.url).visit("/sign-in/provider")
    assert visitor.status == 403
    assert "Ask an owner of the account for an invitation" in visitor.page


def test_the_link_of_another_lets_nobody_in(
    api_server: ApiServer, provider: Provider, account: str, link: str, told: Told
) -> None:
    provider.signs_in("thief@example.com")
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    assert visitor.status == 403
    assert account not in visitor.page
    assert refusals(told, account) == ["not_invited"]


def test_a_person_with_a_password_is_linked_by_a_verified_email_once(
    api_server: ApiServer, provider: Provider, account: str, told: Told
) -> None:
    _, email = joined(api_server.database_url, api_server.url, account)
    provider.signs_in(email)
    assert let_in(Visitor(api_server.url).visit("/sign-in/provider"))
    provider.signs_in(email, sub="another person with that mailbox")
    visitor = Visitor(api_server.url).visit("/sign-in/provider")
    assert visitor.status == 403
    assert "signs in here in another way" in visitor.page
    assert "link_identity" in [entry.action for _, entry in told]
    assert refusals(told, account) == ["identity_taken"]


def test_whoever_claimed_an_email_by_a_link_is_put_out_when_its_owner_comes(
    api_server: ApiServer, provider: Provider, account: str, told: Told
) -> None:
    """Whoever may invite sees the link, and can follow it in the name of somebody else."""
    theirs = api_server.open_account().account
    claimant, email = joined(api_server.database_url, api_server.url, theirs)
    waiting = Visitor(api_server.url).visit("/sign-in")
    waiting.send("/sign-in/password", email=email, password=PASSWORD)
    link = invite(api_server.database_url, api_server.url, account, email)
    provider.signs_in(email)
    owner = Visitor(api_server.url).visit(f"{link}/provider")
    assert let_in(owner)
    assert f"{account}: owner" in owner.page
    claimant.visit("/me")
    assert "You are signed in as" not in claimant.page
    with psycopg.connect(api_server.database_url) as connection:
        wanted = "SELECT password, totp FROM users WHERE email = %s"
        assert connection.execute(wanted, [email]).fetchone() == (None, None)
        codes = "SELECT count(*) FROM recovery_codes JOIN users u ON u.id = user_id"
        assert connection.execute(f"{codes} WHERE email = %s", [email]).fetchone() == (0,)
    waiting.send("/sign-in/code", code=pyotp.TOTP("A" * 32).now())
    assert waiting.status == 403
    again = Visitor(api_server.url).visit("/sign-in")
    again.send("/sign-in/password", email=email, password=PASSWORD)
    assert "Email or password is not right" in again.page


def test_one_who_is_disabled_is_not_let_in(
    api_server: ApiServer, provider: Provider, account: str, email: str, link: str, told: Told
) -> None:
    provider.signs_in(email)
    assert let_in(Visitor(api_server.url).visit(f"{link}/provider"))
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("UPDATE users SET disabled_at = now() WHERE email = %s", [email])
    assert Visitor(api_server.url).visit("/sign-in/provider").status == 403
    assert refusals(told, account) == ["user_disabled"]


@pytest.mark.parametrize("what", HOSTILE)
def test_a_token_that_is_not_right_lets_nobody_in_and_is_told(
    api_server: ApiServer,
    provider: Provider,
    account: str,
    email: str,
    link: str,
    told: Told,
    what: str,
) -> None:
    make, reason = HOSTILE[what]
    provider.signs_in(email)
    provider.token = lambda claims: make(provider, claims)
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    assert visitor.status == 403
    assert "could not be believed" in visitor.page
    assert not any("session" in name for name in visitor.client.cookies)
    assert refusals(told, account) == [reason]
    for secret in (email, account, "eyJ", "nonce", provider.issuer, "Traceback"):
        assert secret not in visitor.page


def test_those_whom_a_wrong_token_speaks_of_hear_of_it(
    api_server: ApiServer, provider: Provider, account: str, email: str, link: str, told: Told
) -> None:
    subject = provider.signs_in(email)
    assert let_in(Visitor(api_server.url).visit(f"{link}/provider"))
    provider.signs_in(email, sub=subject)
    provider.token = lambda claims: without_signature(provider, claims)
    assert Visitor(api_server.url).visit("/sign-in/provider").status == 403
    assert refusals(told, account) == ["token_algorithm"]


def answer_of(visitor: Visitor, start: str) -> str:
    """The provider's answer to a sign-in, which the browser has not yet brought back."""
    asked = visitor.client.get(start, follow_redirects=False).headers["location"]
    return str(visitor.client.get(asked, follow_redirects=False).headers["location"])


def test_the_provider_is_asked_with_pkce_a_state_and_a_nonce(
    api_server: ApiServer, provider: Provider
) -> None:
    visitor = Visitor(api_server.url)
    sent = visitor.client.get("/sign-in/provider", follow_redirects=False).headers["location"]
    asked = {name: value for name, (value,) in parse_qs(urlsplit(sent).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid email profile"
    assert asked["redirect_uri"] == f"{api_server.url}/sign-in/callback"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43


def test_a_state_is_taken_once_from_its_own_browser_and_for_ten_minutes(
    api_server: ApiServer, provider: Provider, account: str, email: str, link: str, told: Told
) -> None:
    provider.signs_in(email)
    mine, other = Visitor(api_server.url), Visitor(api_server.url)
    answer = answer_of(mine, f"{link}/provider")
    assert other.visit("/sign-in").visit(answer).status == 403
    assert let_in(mine.visit(answer))
    for visitor in (mine, other):
        assert visitor.visit(answer).status == 403
        assert "Start again" in visitor.page
    late = answer_of(mine, "/sign-in/provider")
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("UPDATE sign_in_states SET expires_at = now()")
    assert mine.visit(late).status == 403
    assert mine.visit("/sign-in/callback?state=invented&code=x").status == 403
    assert mine.visit("/sign-in/callback").status == 403
    assert refusals(told, account) == [
        "state_of_another_browser",
        "state_replayed",
        "state_replayed",
    ]


def test_a_code_is_redeemed_once(
    api_server: ApiServer, provider: Provider, email: str, account: str, link: str, told: Told
) -> None:
    provider.signs_in(email)
    visitor = Visitor(api_server.url)
    answer = answer_of(visitor, f"{link}/provider")
    code = parse_qs(urlsplit(answer).query)["code"][0]
    second = answer_of(visitor, f"{link}/provider")
    other_code = parse_qs(urlsplit(second).query)["code"][0]
    assert let_in(visitor.visit(answer))
    # A code that was made for another sign-in, of another nonce and verifier, or is spent.
    visitor.visit(second.replace(other_code, code))
    assert visitor.status == 403
    assert "Your provider did not sign you in" in visitor.page
    assert refusals(told, account) == ["provider_refused"]


@pytest.mark.parametrize("answer", ["error=access_denied", "code=", "code=x&iss=https://evil"])
def test_an_answer_that_is_none_is_refused(
    api_server: ApiServer, provider: Provider, answer: str
) -> None:
    visitor = Visitor(api_server.url)
    sent = visitor.client.get("/sign-in/provider", follow_redirects=False).headers["location"]
    state = parse_qs(urlsplit(sent).query)["state"][0]
    assert visitor.visit(f"/sign-in/callback?state={state}&{answer}").status == 403


def test_an_issuer_in_the_answer_that_is_another_is_refused(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    provider.signs_in(email)
    provider.iss = "https://evil.example"
    assert Visitor(api_server.url).visit(f"{link}/provider").status == 403


def test_the_providers_keys_are_asked_for_again_when_one_is_not_known_but_not_each_time(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    provider.signs_in(email)
    provider.token = lambda claims: provider.signed(claims, FOREIGN, kid="unheard of")
    Visitor(api_server.url).visit("/sign-in/provider")
    before = provider.keys_asked
    for _ in range(5):
        assert Visitor(api_server.url).visit("/sign-in/provider").status == 403
    assert provider.keys_asked - before <= 1


def test_a_sign_in_ends_the_session_that_the_browser_had(
    api_server: ApiServer, provider: Provider, email: str, link: str
) -> None:
    provider.signs_in(email)
    visitor = Visitor(api_server.url).visit(f"{link}/provider")
    before = visitor.client.cookies["guilder_session"]
    assert let_in(visitor.visit("/sign-in/provider"))
    assert visitor.client.cookies["guilder_session"] != before
    assert len(visitor.ask("GET", "/v1/sessions")["data"]) == 1
