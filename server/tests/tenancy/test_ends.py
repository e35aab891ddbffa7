"""What a key that expires makes ends no later than it does: over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.errors import Forbidden
from guilder_server.tenancy.domain import grants, issuing
from guilder_server.tenancy.domain.grants import Holder
from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.people import joined

HOUR_S, DAY_S = 3600, 86_400
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ends = st.none() | st.integers(1, 10**8).map(lambda s: NOW + timedelta(seconds=s))


@given(holders=ends, wanted=ends)
def test_what_is_granted_ends_no_later_than_its_maker(
    holders: datetime | None, wanted: datetime | None
) -> None:
    def allowed() -> bool:
        try:
            grants.require_until(Holder(Actor("api_key", "key_1"), ends=holders), wanted, "x", "p")
        except Forbidden:
            return False
        return True

    last = datetime.max.replace(tzinfo=UTC)
    assert allowed() == ((wanted or last) <= (holders or last))


@given(made_for=ends, rolls_until=ends, after_s=st.integers(0, 10**6))
def test_a_rolled_key_lives_as_long_as_it_was_made_for_and_no_longer_than_who_rolls(
    made_for: datetime | None, rolls_until: datetime | None, after_s: int
) -> None:
    now = NOW + timedelta(seconds=after_s)
    if made_for is not None and made_for <= now:
        return
    wish = issuing.Wish("secret", expires_at=made_for)
    old = issuing.issued("key_1", "sk_x", b"pepper", wish, None, NOW)
    new = issuing.again(old, now, rolls_until)
    whole = None if made_for is None else now + (made_for - NOW)
    assert new.expires_at == min((one for one in (whole, rolls_until) if one), default=None)


@pytest.fixture
def expiring(api: Api) -> Answer:
    """A secret key that ends in a day."""
    made = api.post("/v1/api_keys", kind="secret", name="for a day", expires_in_s=DAY_S)
    assert made.status == 200, made.body
    return made


def by(api: Api, key: Answer, path: str, **params: Any) -> Answer:
    return api.send("POST", path, params, secret=key["secret"])


def assert_outlives(refused: Answer, key: Answer, param: str | None) -> None:
    assert (refused.status, refused.error.get("code")) == (403, "maker_expires"), refused.body
    assert refused.error.get("param") == param
    if param != "role":
        # The latest instant that is allowed, as people and as programs read it.
        (named,) = re.findall(r"ends at \S+Z \((\d+)\)", refused.error["message"])
        assert int(named) == key["expires_at"]


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "secret"},
        {"kind": "publishable"},
        {"kind": "restricted", "permissions": ["customers:read"]},
    ],
)
def test_a_key_of_an_expiring_key_ends_with_it_unless_earlier(
    api: Api, expiring: Answer, wish: dict[str, Any]
) -> None:
    heir = by(api, expiring, "/v1/api_keys", **wish)
    assert heir["expires_at"] == expiring["expires_at"]
    shorter = by(api, expiring, "/v1/api_keys", **wish, expires_in_s=HOUR_S)
    assert shorter["expires_at"] - shorter["created"] == HOUR_S
    longer = by(api, expiring, "/v1/api_keys", **wish, expires_in_s=DAY_S + HOUR_S)
    assert_outlives(longer, expiring, "expires_in_s")


def test_a_chain_of_keys_never_outlives_its_first(api: Api, expiring: Answer) -> None:
    maker = expiring
    for _ in range(3):
        maker = by(api, maker, "/v1/api_keys", kind="secret")
        assert maker["expires_at"] == expiring["expires_at"]
        maker = by(api, maker, f"/v1/api_keys/{maker['id']}/roll")
        assert maker["expires_at"] == expiring["expires_at"]


def test_an_expiring_key_rolls_itself_and_somebody_without_an_end_renews_it(
    api: Api, expiring: Answer, api_server: ApiServer
) -> None:
    path = f"/v1/api_keys/{expiring['id']}"
    with psycopg.connect(api_server.database_url) as connection:
        # As if half a day had gone by.
        connection.execute(
            "UPDATE api_keys SET created = created - interval '12 hours', "
            "expires_at = expires_at - interval '12 hours' WHERE id = %s",
            [expiring["id"]],
        )
    ends_at = api.get(path)["expires_at"]
    rolled = by(api, expiring, f"{path}/roll", overlap_s=0)
    assert rolled["expires_at"] == ends_at
    other = api.post("/v1/api_keys", kind="secret", expires_in_s=DAY_S)
    renewed = api.post(f"/v1/api_keys/{other['id']}/roll")
    assert renewed["expires_at"] - renewed["created"] == DAY_S
    assert renewed["expires_at"] > ends_at


def test_a_person_renews_a_key_that_expires(
    api: Api, expiring: Answer, api_server: ApiServer
) -> None:
    owner, _ = joined(api_server.database_url, api_server.url, api.account.account)
    renewed = owner.ask("POST", f"/v1/api_keys/{expiring['id']}/roll")
    assert renewed["expires_at"] - renewed["created"] == DAY_S
    assert owner.ask("POST", "/v1/api_keys", kind="publishable")["expires_at"] is None


@pytest.mark.parametrize("lives", [{}, {"expires_in_s": 2 * DAY_S}])
def test_a_key_that_lasts_longer_is_neither_rolled_nor_opened_up(
    api: Api, expiring: Answer, lives: dict[str, Any]
) -> None:
    longer = api.post("/v1/api_keys", kind="secret", allowed_addresses=["10.0.0.0/8"], **lives)
    path = f"/v1/api_keys/{longer['id']}"
    assert_outlives(by(api, expiring, f"{path}/roll"), expiring, "api_key")
    widened = by(api, expiring, path, allowed_addresses=["0.0.0.0/0"])
    assert_outlives(widened, expiring, "api_key")
    found = api.get(path)
    assert (found["replaced_by"], found["allowed_addresses"]) == (None, ["10.0.0.0/8"])
    # Naming opens nothing, and taking away is for whoever notices.
    assert by(api, expiring, path, name="noticed")["name"] == "noticed"
    assert by(api, expiring, f"{path}/revoke")["status"] == "revoked"


def test_an_oauth_client_has_no_end_so_no_key_that_expires_makes_one(
    api: Api, expiring: Answer
) -> None:
    wish = {"scopes": ["customers:read"]}
    assert_outlives(by(api, expiring, "/v1/oauth_clients", **wish), expiring, None)
    client = api.post("/v1/oauth_clients", **wish)
    rolled = by(api, expiring, f"/v1/oauth_clients/{client['id']}/roll_secret")
    assert_outlives(rolled, expiring, "oauth_client")


def test_a_token_grants_for_as_long_as_its_client_is_there(api: Api) -> None:
    scopes = ["api_keys:write", "customers:read"]
    client = api.post("/v1/oauth_clients", scopes=scopes)
    form = {"grant_type": "client_credentials"}
    granted = httpx.post(f"{api.url}/oauth/token", data=form, auth=(client["id"], client["secret"]))
    wish = {"kind": "restricted", "permissions": ["customers:read"]}
    made = api.send("POST", "/v1/api_keys", wish, secret=granted.json()["access_token"])
    assert (made.status, made["expires_at"]) == (200, None)


def test_people_are_let_in_for_good_so_no_key_that_expires_invites_them(
    api: Api, expiring: Answer
) -> None:
    wish = {"email": f"{unique('p')}@example.com", "role": "viewer"}
    assert_outlives(by(api, expiring, "/v1/invitations", **wish), expiring, "role")
    assert api.post("/v1/invitations", **wish).status == 200
