"""What is written in a transaction of its own, and not by the committer: under one idempotency key
it happens once and has one answer, whoever asks how often and at which of two servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.people.signing_in import Person, new_person, signed_in
from tests.support.api import OPERATOR_KEY, Api, ApiServer, unique
from tests.support.people import PASSWORD, Visitor, add_member, joined

pytestmark = pytest.mark.anyio

AT_ONCE, ROUNDS = 8, 3


@pytest.fixture(scope="module")
def second(api_server: ApiServer) -> Iterator[ApiServer]:
    """Another server on the same database."""
    server = ApiServer(
        api_server.database_url, operator_key=OPERATOR_KEY, public_url=api_server.url
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def urls(api_server: ApiServer, second: ApiServer) -> list[str]:
    return [api_server.url, second.url]


@pytest.fixture
def account(api_server: ApiServer) -> str:
    return api_server.open_account().account


async def at_once(
    urls: list[str], method: str, path: str, headers: dict[str, str], **form: Any
) -> list[httpx.Response]:
    """The same request to both servers, again and again."""
    async with httpx.AsyncClient(verify=False, timeout=30) as client:
        return await asyncio.gather(
            *(
                client.request(method, urls[turn % 2] + path, headers=headers, data=form or None)
                for turn in range(AT_ONCE)
            )
        )


def one_answer(answers: list[httpx.Response], status: int = 200) -> dict[str, Any]:
    assert {answer.status_code for answer in answers} == {status}, [one.text for one in answers]
    assert len({answer.content for answer in answers}) == 1
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert replayed.count(None) == 1
    return dict(answers[0].json())


def as_operator() -> dict[str, str]:
    return {"Authorization": f"Bearer {OPERATOR_KEY}", "Idempotency-Key": unique()}


def counted(server: ApiServer, question: str, *about: object) -> int:
    with psycopg.connect(server.database_url) as connection:
        return int((connection.execute(question, about).fetchone() or (0,))[0])


def keys_of(server: ApiServer, account: str) -> int:
    question = "SELECT count(*) FROM api_keys k JOIN tenants t ON t.id = k.tenant_id "
    return counted(server, f"{question} WHERE t.account_id = %s", account)


async def test_a_key_of_the_operators_is_made_and_rolled_once(
    api_server: ApiServer, urls: list[str], account: str
) -> None:
    path, wish = f"/v1/operator/accounts/{account}/keys", {"kind": "secret", "livemode": "false"}
    before = keys_of(api_server, account)
    for round_ in range(ROUNDS):
        made = one_answer(await at_once(urls, "POST", path, as_operator(), **wish))
        rolled = await at_once(urls, "POST", f"{path}/{made['id']}/roll", as_operator())
        assert one_answer(rolled)["replaces"] == made["id"]
        assert keys_of(api_server, account) == before + 2 * (round_ + 1)
        revoked = await at_once(urls, "POST", f"{path}/{made['id']}/revoke", as_operator())
        assert one_answer(revoked)["status"] == "revoked"
        for one, status in ((made, 401), (one_answer(rolled), 200)):
            key = {"Authorization": f"Bearer {one['key']}"}
            told = await at_once(urls, "GET", "/v1/account", key)
            assert {answer.status_code for answer in told} == {status}


async def test_a_key_of_the_operators_that_is_asked_for_otherwise_is_not_made(
    api_server: ApiServer, urls: list[str], account: str
) -> None:
    """Neither for another request under the same idempotency key, nor for one that is refused."""
    path, headers = f"/v1/operator/accounts/{account}/keys", as_operator()
    async with httpx.AsyncClient(verify=False, timeout=30) as client:
        answers = await asyncio.gather(
            *(
                client.post(
                    urls[turn % 2] + path,
                    headers=headers,
                    data={"kind": "secret", "livemode": "false", "name": f"number {turn % 2}"},
                )
                for turn in range(AT_ONCE)
            )
        )
    assert sorted({answer.status_code for answer in answers}) == [200, 400]
    assert {a.json()["error"]["type"] for a in answers if a.status_code == 400} == {
        "idempotency_error"
    }
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    before = keys_of(api_server, account)
    wrong = {"kind": "restricted", "livemode": "false"}
    refused = await at_once(urls, "POST", path, as_operator(), **wrong)
    assert {answer.status_code for answer in refused} == {400}
    assert keys_of(api_server, account) == before


@pytest.fixture
def owner(api_server: ApiServer, account: str) -> Visitor:
    return joined(api_server.database_url, api_server.url, account)[0]


def as_person(owner: Visitor) -> dict[str, str]:
    return {
        "Cookie": f"guilder_session={owner.client.cookies['guilder_session']}",
        "Origin": owner.url,
        "X-CSRF-Token": owner.csrf,
        "Idempotency-Key": unique(),
    }


async def test_an_invitation_is_made_once_and_everybody_is_told_its_link(
    api_server: ApiServer, urls: list[str], owner: Visitor, account: str
) -> None:
    for _ in range(ROUNDS):
        email = f"{unique('p')}@example.com"
        wish = {"email": email, "role": "viewer"}
        answers = await at_once(urls, "POST", "/v1/invitations", as_person(owner), **wish)
        made = one_answer(answers)
        assert made["url"].startswith(f"{urls[0]}/invitations/")
        assert counted(api_server, "SELECT count(*) FROM invitations WHERE email = %s", email) == 1
        path = f"/v1/invitations/{made['id']}/revoke"
        revoked = one_answer(await at_once(urls, "POST", path, as_person(owner)))
        assert revoked["status"] == "revoked"


async def test_a_member_is_changed_and_removed_once(
    api_server: ApiServer, urls: list[str], owner: Visitor, account: str
) -> None:
    for _ in range(ROUNDS):
        path = f"/v1/users/{add_member(api_server.database_url, account)}"
        changed = await at_once(urls, "POST", path, as_person(owner), role="support")
        assert one_answer(changed)["role"] == "support"
        gone = await at_once(urls, "DELETE", path, as_person(owner))
        # Only a POST has an idempotency key: the others find nobody there.
        assert sorted(answer.status_code for answer in gone) == [200] + [404] * (AT_ONCE - 1)


async def test_a_session_is_revoked_once(
    api_server: ApiServer, urls: list[str], owner: Visitor, account: str
) -> None:
    for _ in range(ROUNDS):
        user = owner.ask("GET", "/v1/sessions/current")["user"]
        id = unique("sess")
        with psycopg.connect(api_server.database_url) as connection:
            connection.execute(
                "INSERT INTO sessions (id, hash, user_id, created, last_seen, expires_at, factor) "
                "VALUES (%s, %s, %s, now(), now(), now() + interval '1 hour', 'provider')",
                (id, id.encode(), user),
            )
        path = f"/v1/sessions/{id}/revoke"
        ended = one_answer(await at_once(urls, "POST", path, as_person(owner)))
        assert (ended["id"], ended["revoked"], ended["current"]) == (id, True, False)


@pytest.fixture
def person(api_server: ApiServer, account: str) -> Person:
    return new_person(api_server, account)


@pytest.fixture
def visitor(api_server: ApiServer, person: Person) -> Visitor:
    return signed_in(api_server, person)


async def test_a_password_is_changed_once_and_everybody_is_told_so(
    urls: list[str], visitor: Visitor
) -> None:
    """The proof is no longer good for whoever comes second: they are told what the first was. All
    at once are fewer than the guesses that a person has."""
    new = "another horse, another battery"
    passwords = {"old_password": PASSWORD, "new_password": new}
    path = "/v1/sessions/current/change_password"
    changed = await at_once(urls, "POST", path, as_person(visitor), **passwords)
    assert one_answer(changed)["current"] is True


async def test_a_code_counts_once_and_everybody_is_told_what_it_brought(
    urls: list[str], person: Person, visitor: Visitor
) -> None:
    path = "/v1/sessions/current"
    proof = {"password": PASSWORD, "code": person.codes.at(int(time.time()) + 30)}
    made = await at_once(urls, "POST", f"{path}/recovery_codes", as_person(visitor), **proof)
    codes = one_answer(made)["recovery_codes"]
    assert len(set(codes)) == len(codes) == 10
    assert visitor.ask("GET", path)["recovery_codes_left"] == 10


def test_a_refusal_is_kept_for_its_key_too(api: Api) -> None:
    wish: dict[str, Any] = {"email": f"{unique('p')}@example.com", "role": "viewer"}
    word = unique()
    first = api.post("/v1/invitations", key=unique(), **wish)
    refused = api.post("/v1/invitations", key=word, **wish)
    assert refused.error["code"] == "invitation_open"
    assert api.post(f"/v1/invitations/{first['id']}/revoke").status == 200
    again = api.post("/v1/invitations", key=word, **wish)
    assert again.content == refused.content
