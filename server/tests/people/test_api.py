"""The API as people ask it, with the cookie of a session; and what keys may do with people."""

from __future__ import annotations

import psycopg
import pytest

from guilder_server.http.contract import Contract
from tests.people.conftest import Told
from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.keys import add_key
from tests.support.people import Visitor, add_member, invite, joined


def signed_in(server: ApiServer, account: str, role: str = "owner") -> Visitor:
    return joined(server.database_url, server.url, account, role)[0]


@pytest.fixture
def owner(api_server: ApiServer, account: str) -> Visitor:
    return signed_in(api_server, account)


def code_of(answer: Answer) -> str:
    return str(answer.error.get("code"))


def test_a_person_acts_for_their_account(owner: Visitor, account: str) -> None:
    assert owner.ask("GET", "/v1/account")["id"] == account
    made = owner.ask("POST", "/v1/customers", name="Grace")
    assert made.status == 200
    assert [one["id"] for one in owner.ask("GET", "/v1/customers")["data"]] == [made["id"]]


def test_a_change_needs_the_sessions_token_and_an_origin_of_ours(owner: Visitor) -> None:
    wrong = (
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": owner.url + ".evil.example"},
    )
    for headers in wrong:
        for method, path in (("POST", "/v1/customers"), ("DELETE", "/v1/customers/cus_1")):
            answer = owner.ask(method, path, headers, **({"name": "x"} if method == "POST" else {}))
            assert (answer.status, code_of(answer)) == (403, "csrf_token_invalid")
    del owner.client.headers["user-agent"]
    without = owner.client.post("/v1/customers", headers={"X-CSRF-Token": owner.csrf})
    assert without.status_code == 403
    assert owner.ask("GET", "/v1/customers", {"Origin": "https://evil.example"})["data"] == []


def test_the_token_of_one_session_is_of_no_use_in_another(
    api_server: ApiServer, owner: Visitor, account: str
) -> None:
    other = signed_in(api_server, account)
    answer = owner.ask("POST", "/v1/customers", {"X-CSRF-Token": other.csrf}, name="x")
    assert code_of(answer) == "csrf_token_invalid"


def test_a_key_counts_more_than_a_cookie(owner: Visitor, api_server: ApiServer) -> None:
    other = api_server.open_account()
    key = {"Authorization": f"Bearer {other.secret_key}"}
    assert owner.ask("GET", "/v1/account", key)["id"] == other.account
    assert owner.ask("GET", "/v1/account", {"Authorization": "Bearer sk_test_bad"}).status == 401


def test_what_another_origin_may_read_has_no_part_in_cookies(owner: Visitor) -> None:
    answer = owner.ask("GET", "/v1/account", {"Origin": "https://evil.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    preflight = owner.client.options("/v1/customers", headers={"Origin": "https://evil.example"})
    assert "x-csrf-token" not in str(preflight.headers).lower()


def test_the_account_and_the_mode_are_named_by_headers(api_server: ApiServer, account: str) -> None:
    visitor, email = joined(api_server.database_url, api_server.url, account)
    second = api_server.open_account().account
    link = invite(api_server.database_url, api_server.url, second, email, "viewer")
    visitor.visit(link).send(f"{link}/join")
    several = visitor.ask("GET", "/v1/account")
    assert (several.status, "several accounts" in several.error["message"]) == (400, True)
    for each in (account, second):
        found = visitor.ask("GET", "/v1/account", {"Stripe-Account": each})
        assert found["id"] == each
    foreign = visitor.ask("GET", "/v1/account", {"Stripe-Account": "acct_1"})
    nobodys = visitor.ask(
        "GET", "/v1/account", {"Stripe-Account": api_server.open_account().account}
    )
    assert (foreign.status, code_of(foreign)) == (403, "account_invalid")
    assert (nobodys.status, code_of(nobodys)) == (403, "account_invalid")
    of_first = {"Stripe-Account": account}
    wrong = visitor.ask("GET", "/v1/account", of_first | {"Stripe-Livemode": "perhaps"})
    assert wrong.status == 400
    live = visitor.ask("GET", "/v1/account", of_first | {"Stripe-Livemode": "true"})
    assert (live.status, "live mode" in live.error["message"]) == (403, True)
    assert visitor.ask("GET", "/v1/account", of_first | {"Stripe-Livemode": "false"}).status == 200


def test_a_session_ends_when_nobody_uses_it_and_at_last_in_any_case(
    api_server: ApiServer, account: str
) -> None:
    tokens = []
    for ending in ("last_seen = now() - interval '16 minutes'", "expires_at = now()"):
        visitor, email = joined(api_server.database_url, api_server.url, account)
        tokens.append(visitor.client.cookies["guilder_session"])
        with psycopg.connect(api_server.database_url) as connection:
            connection.execute(
                f"UPDATE sessions SET {ending} WHERE user_id IN "
                "(SELECT id FROM users WHERE email = %s)",
                [email],
            )
    # Another process, that remembers nothing.
    later = ApiServer(api_server.database_url)
    later.start()
    try:
        for token in tokens:
            other = Visitor(later.url)
            other.client.cookies["guilder_session"] = token
            answer = other.ask("GET", "/v1/account")
            assert (answer.status, code_of(answer)) == (401, "session_ended")
            assert other.visit("/me").at.endswith("/sign-in")
    finally:
        later.stop()


def test_a_session_that_nobody_began_is_refused(api_server: ApiServer) -> None:
    visitor = Visitor(api_server.url)
    visitor.client.cookies["guilder_session"] = "x" * 43
    assert code_of(visitor.ask("GET", "/v1/account")) == "session_ended"
    assert visitor.visit("/me").at.endswith("/sign-in")


def test_sessions_are_listed_and_revoked_by_whose_they_are(
    api_server: ApiServer, account: str, told: Told
) -> None:
    mine, other = signed_in(api_server, account), signed_in(api_server, account, "viewer")
    listed = mine.ask("GET", "/v1/sessions")["data"]
    assert [(one["current"], one["factor"]) for one in listed] == [(True, "password_and_code")]
    theirs = other.ask("GET", "/v1/sessions")["data"][0]["id"]
    absent = theirs[:-4] + "zzzz"
    answers = [mine.ask("POST", f"/v1/sessions/{id}/revoke") for id in (theirs, absent)]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].content.replace(theirs.encode(), b"") == answers[1].content.replace(
        absent.encode(), b""
    )
    for cursor in (theirs, absent):
        refused = mine.ask("GET", "/v1/sessions", starting_after=cursor)
        assert (refused.status, refused.error["param"]) == (400, "starting_after")
    ended = other.ask("POST", f"/v1/sessions/{theirs}/revoke")
    assert (ended.status, ended["revoked"], ended["current"]) == (200, True, True)
    assert code_of(other.ask("GET", "/v1/account")) == "session_ended"
    assert [entry.action for named, entry in told if named == account][-1] == "revoke_session"


def test_signing_out_ends_the_session(owner: Visitor) -> None:
    cookie = owner.client.cookies["guilder_session"]
    owner.visit("/me").send("/me/sign-out")
    assert "You are signed out" in owner.page
    owner.client.cookies["guilder_session"] = cookie
    assert code_of(owner.ask("GET", "/v1/account")) == "session_ended"


def test_a_key_has_no_sessions_and_is_told_so(api: Api) -> None:
    for path in ("/v1/sessions", "/v1/sessions/current"):
        answer = api.get(path)
        assert answer.status == 403
        assert "a key has none" in answer.error["message"]
    assert api.post("/v1/sessions/sess_1/revoke").status == 404


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("owner", ["refunds:write", "users:write", "payment_intents:write"], []),
        ("admin", ["refunds:write", "users:write"], []),
        (
            "developer",
            ["webhook_endpoints:write", "customers:read", "users:read"],
            ["refunds:write", "payouts:write", "customers:write", "users:write"],
        ),
        (
            "finance",
            ["refunds:write", "payouts:write", "ledger:write"],
            ["customers:write", "webhook_endpoints:write", "invitations:write"],
        ),
        (
            "support",
            ["customers:write", "refunds:write"],
            ["payouts:write", "ledger:write", "users:write"],
        ),
        ("viewer", ["customers:read"], ["customers:write", "refunds:write", "users:write"]),
    ],
)
def test_a_role_may_what_the_contract_says(
    api_server: ApiServer, account: str, role: str, may: list[str], may_not: list[str]
) -> None:
    person = signed_in(api_server, account, role)
    paths = {"ledger": "/v1/ledger/accounts"}
    for each in may + may_not:
        noun, _, verb = each.partition(":")
        path = paths.get(noun, f"/v1/{noun}")
        method = "GET" if verb == "read" else "POST"
        if noun == "users" and verb == "write":
            path = "/v1/users/user_absent"
        answer = person.ask(method, path)
        if each in may:
            assert answer.status in (200, 400, 404), (each, answer.body)
        else:
            assert answer.status == 403
            assert f"Your role does not have the permission '{each}'" in answer.error["message"]


def test_the_people_of_an_account_are_seen_changed_and_removed(
    api_server: ApiServer, owner: Visitor, account: str, told: Told
) -> None:
    viewer = add_member(api_server.database_url, account)
    listed = owner.ask("GET", "/v1/users")["data"]
    assert {(one["id"], one["role"]) for one in listed} >= {(viewer, "viewer")}
    assert owner.ask("GET", "/v1/users", limit=1)["has_more"] is True
    assert owner.ask("POST", f"/v1/users/{viewer}", role="finance")["role"] == "finance"
    assert owner.ask("GET", f"/v1/users/{viewer}")["role"] == "finance"
    assert owner.ask("DELETE", f"/v1/users/{viewer}")["deleted"] is True
    assert owner.ask("GET", f"/v1/users/{viewer}").status == 404
    entries = [entry for named, entry in told if named == account][-2:]
    assert [(one.action, one.object_id, one.actor.kind) for one in entries] == [
        ("update_user", viewer, "user"),
        ("delete_user", viewer, "user"),
    ]
    assert (entries[0].before or {})["role"] == "viewer"
    assert (entries[0].after or {})["role"] == "finance"
    assert entries[0].request_id


def test_an_account_keeps_an_owner(owner: Visitor) -> None:
    me = owner.learn_csrf()["user"]
    for answer in (
        owner.ask("POST", f"/v1/users/{me}", role="admin"),
        owner.ask("DELETE", f"/v1/users/{me}"),
    ):
        assert (answer.status, code_of(answer)) == (400, "last_owner")


def test_an_owner_who_is_disabled_is_not_one_that_an_account_keeps(
    api_server: ApiServer, account: str, owner: Visitor
) -> None:
    other = add_member(api_server.database_url, account, "owner")
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("UPDATE users SET disabled_at = now() WHERE id = %s", [other])
    me = owner.learn_csrf()["user"]
    assert code_of(owner.ask("DELETE", f"/v1/users/{me}")) == "last_owner"
    assert owner.ask("DELETE", f"/v1/users/{other}").status == 200


def test_nobody_gives_more_than_they_have(api_server: ApiServer, account: str) -> None:
    boss = add_member(api_server.database_url, account, "owner")
    viewer = add_member(api_server.database_url, account)
    admin = signed_in(api_server, account, "admin")
    refused = [
        admin.ask("POST", f"/v1/users/{viewer}", role="owner"),
        admin.ask("POST", f"/v1/users/{boss}", role="viewer"),
        admin.ask("DELETE", f"/v1/users/{boss}"),
        admin.ask("POST", "/v1/invitations", email="x@example.com", role="owner"),
    ]
    assert [answer.status for answer in refused] == [403] * 4
    assert admin.ask("POST", f"/v1/users/{viewer}", role="admin").status == 200


def test_a_key_makes_nobody_who_could_make_further_keys(api: Api, api_server: ApiServer) -> None:
    viewer = add_member(api_server.database_url, api.account.account)
    for role, status in (("owner", 403), ("admin", 403), ("developer", 403), ("finance", 200)):
        assert api.post(f"/v1/users/{viewer}", role=role).status == status
        answer = api.post("/v1/invitations", email=f"{role}@example.com", role=role)
        assert answer.status == status


def test_a_key_makes_nobody_who_may_do_more_than_itself(api: Api, api_server: ApiServer) -> None:
    viewer = add_member(api_server.database_url, api.account.account)
    narrow = api.post(
        "/v1/api_keys", kind="restricted", permissions=["users:write", "invitations:write"]
    )
    bound = api.post("/v1/api_keys", kind="secret", allowed_addresses=["127.0.0.0/8"])
    for secret, why in ((narrow["secret"], "permission '"), (bound["secret"], "addresses only")):
        for path, more in (
            (f"/v1/users/{viewer}", {}),
            ("/v1/invitations", {"email": f"{unique()}@example.com"}),
        ):
            refused = api.send("POST", path, {"role": "finance"} | more, secret=secret)
            assert refused.status == 403
            assert why in refused.error["message"]
    reads = {
        one
        for one in Contract.load().roles["viewer"]
        if one.endswith(":read") and not one.startswith("sessions:")
    }
    wide = api.post(
        "/v1/api_keys", kind="restricted", permissions=["invitations:write", *sorted(reads)]
    )
    asked = {"email": f"{unique()}@example.com", "role": "viewer"}
    assert api.send("POST", "/v1/invitations", asked, secret=wide["secret"]).status == 200


def test_a_test_mode_key_lets_nobody_into_live_mode(api_server: ApiServer) -> None:
    server = ApiServer(api_server.database_url, mode="live")
    server.start()
    api = Api(server.url, server.open_account())
    try:
        asked = {"email": f"{unique()}@example.com", "role": "viewer"}
        refused = api.post("/v1/invitations", **asked)
        assert refused.status == 403
        assert "test mode key" in refused.error["message"]
        with psycopg.connect(server.database_url) as connection:
            wanted = "SELECT id FROM tenants WHERE account_id = %s AND livemode"
            (tenant,) = connection.execute(wanted, [api.account.account]).fetchone() or (0,)
        live = add_key(server.database_url, tenant, livemode=True)
        assert api.send("POST", "/v1/invitations", asked, secret=live).status == 200
    finally:
        api.close()
        server.stop()


def test_an_invitation_shows_its_link_once_and_is_made_once(
    api_server: ApiServer, owner: Visitor
) -> None:
    key = {"Idempotency-Key": unique()}
    asked = {"email": "Grace@Example.com", "role": "viewer"}
    made = owner.ask("POST", "/v1/invitations", key, **asked)
    assert (made["email"], made["status"]) == ("grace@example.com", "open")
    assert made["url"].startswith(f"{api_server.url}/invitations/")
    again = owner.ask("POST", "/v1/invitations", key, **asked)
    assert again.content == made.content
    assert again.headers["idempotent-replayed"] == "true"
    id = made["id"]
    assert "url" not in owner.ask("GET", f"/v1/invitations/{id}").body
    assert "url" not in owner.ask("GET", "/v1/invitations")["data"][0]
    taken = owner.ask("POST", "/v1/invitations", **asked)
    assert (taken.status, code_of(taken)) == (400, "invitation_open")
    for _ in range(2):
        assert owner.ask("POST", f"/v1/invitations/{id}/revoke")["status"] == "revoked"
    assert "This invitation is not open" in Visitor(api_server.url).visit(made["url"]).page
    assert owner.ask("POST", "/v1/invitations", **asked).status == 200


def test_a_member_is_not_invited_again(api_server: ApiServer, owner: Visitor, account: str) -> None:
    email = owner.learn_csrf()["email"]
    answer = owner.ask("POST", "/v1/invitations", email=email, role="viewer")
    assert (answer.status, code_of(answer)) == (400, "user_already_member")


def test_an_invitation_that_was_taken_is_not_revoked(owner: Visitor) -> None:
    taken = next(
        one for one in owner.ask("GET", "/v1/invitations")["data"] if one["status"] == "accepted"
    )
    assert taken["accepted_by"] == owner.learn_csrf()["user"]
    answer = owner.ask("POST", f"/v1/invitations/{taken['id']}/revoke")
    assert (answer.status, code_of(answer)) == (400, "invitation_accepted")


@pytest.mark.parametrize(
    "email",
    [
        *("nobody", "a@b@c", "a b@c", "<a@b>", "a@" + "b" * 253),
        *("\u212aevin@x.com", "\u212aevin@ex\u00e4mple.com"),
    ],
)
def test_an_email_that_is_none_is_refused(api: Api, email: str) -> None:
    answer = api.post("/v1/invitations", email=email, role="viewer")
    assert (answer.status, answer.error["param"]) == (400, "email")


def test_the_people_of_an_account_that_is_suspended_are_told_so(
    api_server: ApiServer, account: str
) -> None:
    visitor, email = joined(api_server.database_url, api_server.url, account)
    other = api_server.open_account().account
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("UPDATE accounts SET status = 'suspended' WHERE id = %s", [account])
    # Joining makes this process look again.
    link = invite(api_server.database_url, api_server.url, other, email, "viewer")
    visitor.visit(link).send(f"{link}/join")
    answer = visitor.ask("GET", "/v1/account", {"Stripe-Account": account})
    assert (answer.status, code_of(answer)) == (403, "account_suspended")
    assert visitor.ask("GET", "/v1/account", {"Stripe-Account": other}).status == 200


def test_pages_tell_browsers_to_run_and_fetch_nothing(api_server: ApiServer) -> None:
    answer = Visitor(api_server.url).client.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "script" not in answer.text
    assert "http" not in answer.text.replace("https://", "")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}


def test_over_tls_cookies_are_of_this_host_alone_and_without_it_nobody_signs_in(
    api_server: ApiServer,
) -> None:
    server = ApiServer(api_server.database_url, public_url="https://pay.example.com")
    server.start()
    try:
        (cookie,) = Visitor(server.url).client.get("/sign-in").headers.get_list("set-cookie")
        assert cookie.startswith("__Host-guilder_sign_in=")
        assert "Secure" in cookie
    finally:
        server.stop()
    plain = ApiServer(api_server.database_url, public_url="http://pay.example.com")
    plain.start()
    try:
        assert Visitor(plain.url).visit("/sign-in").status == 503
    finally:
        plain.stop()


def test_a_page_is_found_at_the_address_that_cookies_are_of(api_server: ApiServer) -> None:
    port = api_server.url.rpartition(":")[2]
    visitor = Visitor(f"http://localhost:{port}").visit("/sign-in?x=1")
    assert visitor.at == f"{api_server.url}/sign-in?x=1"
