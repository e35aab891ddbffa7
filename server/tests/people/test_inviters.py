"""An invitation is good for as long as whoever made it could make it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pyotp
import pytest

from guilder_server.http.contract import Contract
from tests.people.conftest import Told, refusals, server_with
from tests.people.provider import Provider
from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.people import (
    OPERATOR,
    PASSWORD,
    Visitor,
    add_member,
    invite,
    joined,
    with_people,
)

End = Callable[[ApiServer, str, str], None]


def set_role(role: str) -> End:
    def end(server: ApiServer, account: str, user: str) -> None:
        with_people(
            server.database_url,
            server.url,
            lambda people: people.members.set_role(OPERATOR, account, user, role),
        )

    return end


def remove(server: ApiServer, account: str, user: str) -> None:
    with_people(
        server.database_url,
        server.url,
        lambda people: people.members.remove(OPERATOR, account, user),
    )


def disable(server: ApiServer, _account: str, user: str) -> None:
    with_people(
        server.database_url, server.url, lambda people: people.members.disable(OPERATOR, user)
    )


# The maker's role, what is given, and what becomes of the maker.
ENDINGS: dict[str, tuple[str, str, End]] = {
    "removed": ("admin", "viewer", remove),
    "disabled": ("owner", "owner", disable),
    "no longer who invites": ("admin", "viewer", set_role("developer")),
    "below what is given": ("owner", "owner", set_role("admin")),
}
STAYS: dict[str, tuple[str, str, End]] = {
    "above what is given": ("owner", "admin", set_role("admin")),
    "raised": ("admin", "admin", set_role("owner")),
}


@pytest.fixture(scope="module")
def api_server(postgres: Any, provider: Provider) -> Iterator[ApiServer]:
    """One of its own: so many sign-ins are not let through from one address."""
    with server_with(postgres, provider) as server:
        yield server


@pytest.fixture
def account(api_server: ApiServer) -> str:
    """With an owner who stays."""
    account = api_server.open_account().account
    add_member(api_server.database_url, account, "owner")
    return account


def email() -> str:
    return f"{unique('p')}@example.com"


def invited_by(maker: Visitor, role: str, to: str) -> Answer:
    made = maker.ask("POST", "/v1/invitations", email=to, role=role)
    assert made.status == 200, made.body
    return made


def enrol(visitor: Visitor, link: str) -> Visitor:
    visitor.visit(link)
    return visitor.send(f"{link}/password", name="Eve", password=PASSWORD, again=PASSWORD)


def finish(visitor: Visitor) -> Visitor:
    return visitor.send("/sign-in/code", code=pyotp.TOTP(visitor.secret).now())


def people_of(server: ApiServer, account: str) -> set[str]:
    listed = with_people(
        server.database_url, server.url, lambda people: people.members.all(account)
    )
    return {member.user.email for member in listed}


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_invitation_ends_with_what_its_maker_may_give(
    api_server: ApiServer, account: str, told: Told, ending: str
) -> None:
    had, given, end = ENDINGS[ending]
    maker, _ = joined(api_server.database_url, api_server.url, account, had)
    to = email()
    made = invited_by(maker, given, to)
    assert made["invited_by"] == maker.learn_csrf()["user"]
    begun = enrol(Visitor(api_server.url), made["url"])
    end(api_server, account, made["invited_by"])

    late = Visitor(api_server.url).visit(made["url"])
    assert (late.status, "This invitation is not open" in late.page) == (403, True)
    assert to not in late.page
    assert finish(begun).status == 403
    assert to not in people_of(api_server, account)
    assert refusals(told, account) == ["invitation_unbacked"] * 2


@pytest.mark.parametrize("change", STAYS)
def test_an_invitation_stays_while_its_maker_may_still_give_it(
    api_server: ApiServer, account: str, change: str
) -> None:
    had, given, end = STAYS[change]
    maker, _ = joined(api_server.database_url, api_server.url, account, had)
    made = invited_by(maker, given, to := email())
    end(api_server, account, made["invited_by"])
    assert finish(enrol(Visitor(api_server.url), made["url"])).status == 200
    assert to in people_of(api_server, account)


def test_one_whose_maker_is_gone_is_shown_as_revoked_and_in_nobodys_way(
    api_server: ApiServer, account: str, told: Told
) -> None:
    owner, _ = joined(api_server.database_url, api_server.url, account)
    maker, _ = joined(api_server.database_url, api_server.url, account, "admin")
    made, kept = (
        invited_by(maker, "viewer", to := email()),
        invited_by(owner, "viewer", email()),
    )
    remove(api_server, account, made["invited_by"])
    shown = {one["id"]: one["status"] for one in owner.ask("GET", "/v1/invitations")["data"]}
    assert (shown[made["id"]], shown[kept["id"]]) == ("revoked", "open")
    assert owner.ask("GET", f"/v1/invitations/{made['id']}")["status"] == "revoked"
    again = invited_by(owner, "viewer", to)
    assert ("revoke_invitation", made["id"]) in [
        (entry.action, entry.object_id) for named, entry in told if named == account
    ]
    # Its maker is back, and what was put away stays so.
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute(
            "INSERT INTO memberships (account_id, user_id, role, created) "
            "VALUES (%s, %s, 'owner', now())",
            [account, made["invited_by"]],
        )
    assert Visitor(api_server.url).visit(made["url"]).status == 403
    assert finish(enrol(Visitor(api_server.url), again["url"])).status == 200


def test_a_provider_lets_nobody_in_by_an_invitation_whose_maker_is_gone(
    api_server: ApiServer, account: str, provider: Provider, told: Told
) -> None:
    maker, _ = joined(api_server.database_url, api_server.url, account, "admin")
    second = api_server.open_account().account
    to = email()
    made = invited_by(maker, "viewer", to)
    remove(api_server, account, made["invited_by"])
    provider.signs_in(to)
    assert Visitor(api_server.url).visit(f"{made['url']}/provider").status == 403
    assert refusals(told, account) == ["not_invited"]
    stranger = Visitor(api_server.url).visit("/sign-in/provider")
    assert "not a member of any account" in stranger.page
    # An invitation that is good is not spoilt by one that is not.
    invite(api_server.database_url, api_server.url, second, to, "viewer")
    let_in = Visitor(api_server.url).visit("/sign-in/provider")
    assert f"{second}: viewer" in let_in.page
    assert account not in let_in.page


def key_of(api: Api) -> Answer:
    return api.post("/v1/api_keys", kind="secret")


KEY_ENDINGS = {
    "revoked": ("/revoke", {}),
    "rolled": ("/roll", {}),
    "bound to addresses": ("", {"allowed_addresses": ["127.0.0.1"]}),
}


@pytest.mark.parametrize("ending", KEY_ENDINGS)
def test_an_invitation_of_a_key_ends_with_the_key(
    api: Api, api_server: ApiServer, ending: str
) -> None:
    key = key_of(api)
    wish = {"email": email(), "role": "viewer"}
    made = api.send("POST", "/v1/invitations", wish, secret=key["secret"])
    assert made["invited_by"] == key["id"]
    assert "You are invited" in Visitor(api_server.url).visit(made["url"]).page
    path, params = KEY_ENDINGS[ending]
    assert api.post(f"/v1/api_keys/{key['id']}{path}", **params).status == 200
    assert Visitor(api_server.url).visit(made["url"]).status == 403
    assert api.get(f"/v1/invitations/{made['id']}")["status"] == "revoked"
    assert api.post("/v1/invitations", **wish).status == 200


def test_a_key_of_another_account_backs_nothing(
    api: Api, other_api: Api, api_server: ApiServer
) -> None:
    key = key_of(other_api)
    made = api.post("/v1/invitations", email=email(), role="viewer")
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute(
            "UPDATE invitations SET invited_by = %s WHERE id = %s", [key["id"], made["id"]]
        )
    assert Visitor(api_server.url).visit(made["url"]).status == 403


def test_an_invitation_of_a_client_ends_with_the_client(api: Api, api_server: ApiServer) -> None:
    seen = [one for one in sorted(Contract.load().roles["viewer"]) if one.endswith(":read")]
    client = api.post("/v1/oauth_clients", scopes=["invitations:write", *seen])
    form, auth = {"grant_type": "client_credentials"}, (client["id"], client["secret"])
    token = httpx.post(f"{api.url}/oauth/token", data=form, auth=auth).json()["access_token"]
    wish = {"email": email(), "role": "viewer"}
    made = api.send("POST", "/v1/invitations", wish, secret=token)
    assert made["invited_by"] == client["id"]
    assert Visitor(api_server.url).visit(made["url"]).status == 200
    assert api.delete(f"/v1/oauth_clients/{client['id']}").status == 200
    assert Visitor(api_server.url).visit(made["url"]).status == 403


def test_the_operator_has_no_such_end(api_server: ApiServer, account: str) -> None:
    link = invite(api_server.database_url, api_server.url, account, to := email(), "owner")
    assert finish(enrol(Visitor(api_server.url), link)).status == 200
    assert to in people_of(api_server, account)
