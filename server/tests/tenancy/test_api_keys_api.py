"""API keys over HTTP: made, changed, rolled and taken back by those who hold one that may."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from tests.support.api import Answer, Api, ApiServer, unique

DAY_S = 86_400


def restricted(api: Api, *permissions: str, **more: Any) -> Answer:
    made = api.post("/v1/api_keys", kind="restricted", permissions=list(permissions), **more)
    assert made.status == 200, made.body
    return made


def with_key(api: Api, secret: str, method: str, path: str, **params: Any) -> Answer:
    return api.send(method, path, params, secret=secret)


def test_a_key_is_made_shown_once_and_listed_without_itself(api: Api) -> None:
    made = api.post("/v1/api_keys", kind="secret", name="till", expires_in_s=DAY_S)
    key = made["secret"]
    assert key.startswith("sk_test_gld")
    assert made["last4"] == key[-4:]
    assert made["expires_at"] - made["created"] == DAY_S
    (own,) = (one for one in api.get("/v1/api_keys")["data"] if one["last4"] == api.key[-4:])
    assert made["created_by"] == {"type": "api_key", "id": own["id"]}
    assert own["created_by"]["type"] == "operator"
    assert own["created_by"]["id"].startswith("command line")
    assert with_key(api, key, "GET", "/v1/account").status == 200
    found = api.get(f"/v1/api_keys/{made['id']}")
    assert found.body == {name: made[name] for name in made.body.keys() - {"secret"}}
    for answer in (found, api.get("/v1/api_keys")):
        assert key[11:-4].encode() not in answer.content


@pytest.mark.parametrize("kind", ["secret", "publishable", "restricted"])
def test_a_key_of_each_kind_says_what_it_may(api: Api, kind: str) -> None:
    listed = ["charges:read", "customers:write", "charges:read"] if kind == "restricted" else None
    made = api.post("/v1/api_keys", kind=kind, **({"permissions": listed} if listed else {}))
    assert made["kind"] == kind
    assert made["permissions"] == (["charges:read", "customers:write"] if listed else None)


def test_a_repeated_request_makes_one_key_and_answers_it_again(
    api: Api, api_server: ApiServer
) -> None:
    word = unique()
    first = api.post("/v1/api_keys", key=word, kind="secret")
    again = api.post("/v1/api_keys", key=word, kind="secret")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    with psycopg.connect(api_server.database_url) as connection:
        (kept,) = connection.execute(
            "SELECT response FROM idempotency_keys WHERE key = %s", [word]
        ).fetchone() or (b"",)
    assert kept[:1] == b"\xff"  # sealed


def test_a_secret_is_not_told_again_to_another_caller(api: Api) -> None:
    """Who reads the request log knows the words of others, and may hold less than they."""
    word = unique()
    first = api.post("/v1/api_keys", key=word, kind="secret")
    thief = restricted(api, "api_keys:write", "request_logs:read")["secret"]
    again = api.send("POST", "/v1/api_keys", {"kind": "secret"}, idempotency_key=word, secret=thief)
    assert again.status in (400, 403)
    assert first["secret"].encode() not in again.content


def test_what_is_expanded_needs_its_own_permission(api: Api) -> None:
    customer = api.post("/v1/customers", name="Grace")["id"]
    paid = api.pay(customer=customer)
    narrow = restricted(api, "payment_intents:read", "charges:read")["secret"]
    path = f"/v1/payment_intents/{paid['id']}"
    assert with_key(api, narrow, "GET", path).status == 200
    for expand, permission in (
        ("customer", "customers:read"),
        ("latest_charge.balance_transaction", "balance:read"),
        ("latest_charge.refunds", "refunds:read"),
    ):
        refused = with_key(api, narrow, "GET", path, expand=[expand])
        assert refused.status == 403
        assert f"'{permission}'" in refused.error["message"]
        wide = restricted(api, "payment_intents:read", "charges:read", permission)["secret"]
        assert with_key(api, wide, "GET", path, expand=[expand]).status == 200


def test_a_key_is_rolled_once_with_an_overlap(api: Api) -> None:
    old = restricted(api, "customers:read", name="reports", allowed_addresses=["127.0.0.0/8"])
    new = api.post(f"/v1/api_keys/{old['id']}/roll", overlap_s=60)
    assert new["secret"] != old["secret"]
    same = ("kind", "name", "permissions", "allowed_addresses")
    assert [new[name] for name in same] == [old[name] for name in same]
    ending = api.get(f"/v1/api_keys/{old['id']}")
    assert ending["replaced_by"] == new["id"]
    assert 0 < ending["expires_at"] - time.time() <= 60
    for one in (old, new):
        assert with_key(api, one["secret"], "GET", "/v1/customers").status == 200
    again = api.post(f"/v1/api_keys/{old['id']}/roll")
    assert again.status == 400
    assert new["id"] in again.error["message"]


def test_a_key_that_is_rolled_without_overlap_has_expired(api: Api) -> None:
    old = restricted(api, "customers:read")
    assert api.post(f"/v1/api_keys/{old['id']}/roll", overlap_s=0).status == 200
    assert api.get(f"/v1/api_keys/{old['id']}")["status"] == "expired"
    assert with_key(api, old["secret"], "GET", "/v1/customers").error["code"] == "api_key_expired"


def test_a_revoked_key_stays_revoked_and_cannot_be_changed(api: Api) -> None:
    key = restricted(api, "customers:read")
    revoked = api.post(f"/v1/api_keys/{key['id']}/revoke")
    assert revoked["status"] == "revoked"
    assert api.post(f"/v1/api_keys/{key['id']}/revoke").body == revoked.body
    for path, params in (("roll", {}), ("", {"name": "other"})):
        refused = api.post(f"/v1/api_keys/{key['id']}/{path}".rstrip("/"), **params)
        assert refused.status == 400
        assert refused.error["code"] == "status_transition_invalid"
    assert with_key(api, key["secret"], "GET", "/v1/customers").status == 401


def test_a_key_may_revoke_itself_and_is_answered_this_once(api: Api) -> None:
    key = restricted(api, "api_keys:write")
    answer = with_key(api, key["secret"], "POST", f"/v1/api_keys/{key['id']}/revoke")
    assert answer["status"] == "revoked"
    assert api.get(f"/v1/api_keys/{key['id']}")["status"] == "revoked"


def test_a_key_is_named_by_its_id_and_not_repeated_in_the_error(api: Api) -> None:
    answer = api.get(f"/v1/api_keys/{api.key}")
    assert answer.status == 400
    assert api.key[11:-4].encode() not in answer.content


# ── nobody grants more than they hold ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wish", "lacking"),
    [
        ({"kind": "secret"}, "account:read"),
        ({"kind": "publishable"}, "account:read"),
        ({"kind": "restricted", "permissions": ["customers:write"]}, "customers:write"),
        ({"kind": "restricted", "permissions": ["api_keys:read", "refunds:read"]}, "refunds:read"),
    ],
)
def test_a_restricted_key_makes_none_that_may_more(
    api: Api, wish: dict[str, Any], lacking: str
) -> None:
    maker = restricted(api, "api_keys:write", "customers:read")
    before = len(api.get("/v1/api_keys", limit=100)["data"])
    refused = with_key(api, maker["secret"], "POST", "/v1/api_keys", **wish)
    assert refused.status == 403
    assert f"'{lacking}'" in refused.error["message"]
    assert len(api.get("/v1/api_keys", limit=100)["data"]) == before


def test_a_restricted_key_makes_one_that_may_as_much(api: Api) -> None:
    maker = restricted(api, "api_keys:write", "customers:write")
    wish = {"kind": "restricted", "permissions": ["api_keys:read", "customers:read"]}
    made = with_key(api, maker["secret"], "POST", "/v1/api_keys", **wish)
    assert made.status == 200
    assert made["created_by"] == {"type": "api_key", "id": maker["id"]}


def test_a_stronger_key_is_neither_rolled_nor_opened_to_other_addresses(api: Api) -> None:
    maker = restricted(api, "api_keys:write", "customers:read")
    stronger = restricted(api, "customers:write", allowed_addresses=["10.0.0.0/8"])
    for path, params in (("/roll", {}), ("", {"allowed_addresses": ["0.0.0.0/0"]})):
        refused = with_key(
            api, maker["secret"], "POST", f"/v1/api_keys/{stronger['id']}{path}", **params
        )
        assert refused.status == 403
        assert "'customers:write'" in refused.error["message"]
    found = api.get(f"/v1/api_keys/{stronger['id']}")
    assert (found["replaced_by"], found["allowed_addresses"]) == (None, ["10.0.0.0/8"])


def test_a_restricted_key_rolls_itself(api: Api) -> None:
    maker = restricted(api, "api_keys:write")
    rolled = with_key(api, maker["secret"], "POST", f"/v1/api_keys/{maker['id']}/roll")
    assert rolled["permissions"] == ["api_keys:write"]


def test_a_key_that_may_only_read_keys_makes_and_takes_back_none(api: Api) -> None:
    reader = restricted(api, "api_keys:read")
    assert with_key(api, reader["secret"], "GET", "/v1/api_keys").status == 200
    for path in ("", f"/{reader['id']}/roll", f"/{reader['id']}/revoke"):
        refused = with_key(api, reader["secret"], "POST", f"/v1/api_keys{path}", kind="secret")
        assert refused.status == 403
        assert "'api_keys:write'" in refused.error["message"]


def test_a_publishable_key_has_no_part_in_keys(api: Api) -> None:
    refused = with_key(api, api.account.publishable_key, "POST", "/v1/api_keys", kind="publishable")
    assert refused.error["code"] == "secret_key_required"


def test_an_allow_list_is_handed_on_and_never_widened(api: Api) -> None:
    maker = api.post("/v1/api_keys", kind="secret", allowed_addresses=["127.0.0.0/8", "::1"])
    secret = maker["secret"]
    heir = with_key(api, secret, "POST", "/v1/api_keys", kind="secret")
    assert heir["allowed_addresses"] == maker["allowed_addresses"] == ["127.0.0.0/8", "::1/128"]
    narrower = {"kind": "secret", "allowed_addresses": ["127.0.0.1"]}
    assert with_key(api, secret, "POST", "/v1/api_keys", **narrower).status == 200
    for wider in (["0.0.0.0/0"], ["127.0.0.0/8", "::/0"], ["203.0.113.7"]):
        wish = {"kind": "secret", "allowed_addresses": wider}
        assert with_key(api, secret, "POST", "/v1/api_keys", **wish).status == 403
        widened = with_key(
            api, secret, "POST", f"/v1/api_keys/{maker['id']}", allowed_addresses=wider
        )
        assert widened.status == 403
    unset = with_key(api, secret, "POST", f"/v1/api_keys/{maker['id']}", allowed_addresses="")
    assert unset.status == 403


# ── from where a key may be used ────────────────────────────────────────────────────────────


def test_a_key_is_refused_from_elsewhere_without_a_word_on_where(api: Api) -> None:
    made = api.post("/v1/api_keys", kind="secret", allowed_addresses=["203.0.113.0/24"])
    refused = with_key(api, made["secret"], "GET", "/v1/account")
    assert refused.status == 403
    assert refused.error["code"] == "address_not_allowed"
    assert b"203.0.113" not in refused.content
    # Nobody believes a header of whoever is no proxy.
    forged = api.send(
        "GET", "/v1/account", {}, secret=made["secret"], headers={"X-Forwarded-For": "203.0.113.7"}
    )
    assert forged.content == refused.content
    changed = api.post(f"/v1/api_keys/{made['id']}", allowed_addresses=["127.0.0.1"])
    assert changed["allowed_addresses"] == ["127.0.0.1/32"]
    assert api.post(f"/v1/api_keys/{made['id']}", allowed_addresses="")["allowed_addresses"] == []


def test_behind_a_trusted_proxy_it_is_the_callers_address_that_counts(
    api_server: ApiServer,
) -> None:
    server = ApiServer(api_server.database_url, trusted_proxies="127.0.0.1")
    server.start()
    api = Api(server.url, server.open_account())
    try:
        made = api.post("/v1/api_keys", kind="secret", allowed_addresses=["203.0.113.0/24", "::1"])

        def status(forwarded: str | None) -> int:
            headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
            answer = api.send("GET", "/v1/account", {}, secret=made["secret"], headers=headers)
            return answer.status

        assert status("203.0.113.7") == 200
        assert status("::ffff:203.0.113.7") == 200
        assert status("::1") == 200
        assert status("198.51.100.1, 203.0.113.7") == 200
        assert status("203.0.113.7, 198.51.100.1") == 403
        assert status("198.51.100.1") == 403
        assert status("unknown") == 403
        assert status(None) == 403
    finally:
        api.close()
        server.stop()


@pytest.mark.parametrize(
    "network",
    ["203.0.113.7/24", "somewhere", "300.1.1.1", "10.0.0.0/33", "::ffff:10.0.0.0/104", "1.2.3.4;"],
)
def test_what_is_no_network_is_refused(api: Api, network: str) -> None:
    refused = api.post("/v1/api_keys", kind="secret", allowed_addresses=["10.0.0.0/8", network])
    assert refused.status == 400
    assert refused.error["param"] == "allowed_addresses"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"kind": "restricted"}, "permissions"),
        ({"kind": "secret", "permissions": ["charges:read"]}, "permissions"),
        ({"kind": "restricted", "permissions": ["customer:read"]}, "permissions"),
        ({"kind": "restricted", "permissions": ["operator:write"]}, "permissions"),
        ({"kind": "secret", "name": "a\nb"}, "name"),
        ({"kind": "secret", "expires_in_s": 0}, "expires_in_s"),
        ({"kind": "admin"}, "kind"),
    ],
)
def test_a_mistaken_wish_is_named(api: Api, params: dict[str, Any], param: str) -> None:
    refused = api.post("/v1/api_keys", **params)
    assert refused.status == 400
    assert refused.error["param"] == param


# ── when a key was last used ────────────────────────────────────────────────────────────────


def test_a_use_is_seen_within_seconds_and_one_that_was_refused_is_none(api: Api) -> None:
    used = restricted(api, "customers:read")
    refused = api.post("/v1/api_keys", kind="secret", allowed_addresses=["203.0.113.0/24"])
    assert with_key(api, used["secret"], "GET", "/v1/customers").status == 200
    assert with_key(api, refused["secret"], "GET", "/v1/customers").status == 403
    deadline = time.monotonic() + 8
    while (found := api.get(f"/v1/api_keys/{used['id']}"))["last_used_at"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert abs(found["last_used_at"] - time.time()) < 10
    assert api.get(f"/v1/api_keys/{refused['id']}")["last_used_at"] is None
