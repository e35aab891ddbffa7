"""What is changed over HTTP, and how the audit trail tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.audit.trail import ENTRIES, actions, entries, touched
from tests.support.api import Api, ApiServer
from tests.support.keys import add_key
from tests.support.world import LISTENER


def test_a_change_is_told_of_with_who_asked_for_it_and_from_where(api: Api) -> None:
    made = api.post("/v1/customers", name="Amy", metadata={"order": "1"})
    [entry] = entries(api)
    assert entry == {
        "id": entry["id"],
        "object": "audit_entry",
        "action": "create_customer",
        "actor": {"address": "127.0.0.1", "id": entry["actor"]["id"], "type": "api_key"},
        "chain": None,
        "changes": [
            {
                "object": "customer",
                "id": made["id"],
                "before": None,
                "after": {
                    "invoice_prefix": made["invoice_prefix"],
                    "name": "Amy",
                    "tax_exempt": "none",
                    "metadata": {"order": "1"},
                },
            }
        ],
        "created": entry["created"],
        "livemode": False,
        "request": made.headers["request-id"],
    }
    assert abs(entry["created"] - made["created"]) <= 1
    assert entry["actor"]["id"].startswith("key_")
    assert api.get(f"{ENTRIES}/{entry['id']}").body == entry


def test_an_update_is_told_of_with_what_differs_before_and_after(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy", phone="1")["id"]
    api.post(f"/v1/customers/{customer}", name="Ann", phone="")
    [change] = entries(api)[-1]["changes"]
    assert change["before"] == {"name": "Amy", "phone": "1"}
    assert change["after"] == {"name": "Ann", "phone": None}


def test_what_one_request_changes_is_one_entry(api: Api) -> None:
    paid = api.pay(2000)
    [entry] = entries(api)
    assert entry["action"] == "create_payment_intent"
    assert {noun for noun, _ in touched(entry)} == {"payment_intent", "charge", "payment_method"}
    assert ("payment_intent", paid["id"]) in touched(entry)
    assert ("charge", paid["latest_charge"]) in touched(entry)


def test_a_request_that_is_repeated_or_refused_leaves_no_further_entry(api: Api) -> None:
    for _ in range(3):
        assert api.post("/v1/customers", key="once", name="Amy").status == 200
    assert api.post("/v1/customers", email="nobody").status == 400
    assert api.post("/v1/customers/cus_none", name="Amy").status == 404
    assert api.post("/v1/refunds", key="r", charge="ch_none").status >= 400
    assert actions(api) == ["create_customer"]


def test_a_declined_card_is_told_of_since_something_is_kept_of_it(api: Api) -> None:
    assert api.pay(payment_method="pm_card_chargeDeclined").status == 402
    [entry] = entries(api)
    assert "failed" in {(one["after"] or {}).get("status") for one in entry["changes"]}


def test_a_request_that_changes_nothing_is_told_of_with_no_difference(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy")["id"]
    answer = api.post(f"/v1/customers/{customer}", name="Amy")
    told = entries(api, request=answer.headers["request-id"])
    assert all(one["before"] == one["after"] == {} for each in told for one in each["changes"])


def test_what_callers_post_is_told_of_by_its_id(api: Api) -> None:
    one, other = (
        api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="debit")["id"]
        for code in ("one", "other")
    )
    posting = {"debit": one, "credit": other, "amount": 5}
    posted = api.post("/v1/ledger/transactions", postings=[posting])["id"]
    both = [{"postings": [posting]}, {"postings": [posting]}]
    bulk = api.post("/v1/ledger/transactions/bulk", transactions=both)
    told = entries(api)
    assert touched(told[2]) == [("ledger_transaction", posted)]
    assert len(touched(told[3])) == 2, bulk.body
    held = api.post("/v1/ledger/transactions", postings=[posting], status="pending")["id"]
    api.post(f"/v1/ledger/transactions/{held}/post")
    assert touched(entries(api)[-1]) == [("ledger_transaction", held)]
    assert entries(api)[-1]["changes"][0]["before"] == {"status": "pending"}


FILTERS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("actor", lambda entry: entry["actor"]["id"]),
    ("actor_type", lambda entry: entry["actor"]["type"]),
    ("action", lambda entry: entry["action"]),
    ("object", lambda entry: entry["changes"][0]["object"]),
    ("object_id", lambda entry: entry["changes"][0]["id"]),
    ("request", lambda entry: entry["request"]),
]


def test_the_trail_is_filtered_by_each_of_its_words(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy")["id"]
    api.post(f"/v1/customers/{customer}", name="Ann")
    api.pay(2000, customer=customer)
    everything = api.get(ENTRIES, limit=100)["data"]
    assert {one["actor"]["type"] for one in everything} == {"api_key", "operator"}

    def of(entry: dict[str, Any], name: str, value: Any) -> bool:
        if name in ("object", "object_id"):
            word = "object" if name == "object" else "id"
            return any(one[word] == value for one in entry["changes"])
        return dict(FILTERS)[name](entry) == value

    for name, word in FILTERS:
        for entry in everything:
            value = word(entry)
            if value is not None:
                wanted = [one for one in everything if of(one, name, value)]
                assert api.get(ENTRIES, limit=100, **{name: value})["data"] == wanted, name
        if name != "actor_type":
            assert api.get(ENTRIES, **{name: "none"})["data"] == []
    assert api.get(ENTRIES, object="charge", object_id=customer)["data"] == []
    assert api.get(ENTRIES, actor_type="nobody").error["param"] == "actor_type"


def test_pages_follow_one_another_in_both_directions(api: Api) -> None:
    for n in range(7):
        api.post("/v1/customers", name=f"{n}")
    everything = [one["id"] for one in api.get(ENTRIES, limit=100)["data"]]
    for filters in ({}, {"action": "create_customer"}):
        wanted = [one["id"] for one in api.get(ENTRIES, limit=100, **filters)["data"]]
        forward: list[str] = []
        more: dict[str, Any] = {}
        while True:
            page = api.get(ENTRIES, limit=2, **filters, **more)
            forward += [one["id"] for one in page["data"]]
            more = {"starting_after": forward[-1]}
            if not page["has_more"]:
                break
        assert forward == wanted
        page = api.get(ENTRIES, limit=2, ending_before=wanted[5], **filters)
        assert [one["id"] for one in page["data"]] == wanted[3:5]
        assert page["has_more"]
    assert everything == sorted(everything, reverse=True)
    last = api.get(ENTRIES, limit=1)["data"][0]["created"]
    assert len(api.get(ENTRIES, limit=100, created={"lte": last})["data"]) == len(everything)
    assert api.get(ENTRIES, created={"gt": last + 5})["data"] == []
    assert api.get(ENTRIES, created={"lt": 5})["data"] == []
    assert api.get(ENTRIES, starting_after="aud_none").error["param"] == "starting_after"


def test_nobody_sees_the_trail_of_another_account(api: Api, other_api: Api) -> None:
    other_api.post("/v1/customers", name="Amy")
    theirs = other_api.get(ENTRIES)["data"][0]["id"]
    for id in (theirs, "aud_none", theirs[:-1] + "é", theirs[:-2] + "zz"):
        assert api.get(f"{ENTRIES}/{id}").error["message"] == f"No such audit entry: '{id}'"
    assert theirs not in {one["id"] for one in api.get(ENTRIES, limit=100)["data"]}


def test_reading_the_trail_takes_a_permission_of_its_own(api_server: ApiServer, api: Api) -> None:
    caller = Api(api.url, api.account)
    caller.key = api.account.publishable_key
    assert caller.get(ENTRIES).error["code"] == "secret_key_required"
    url, tenant = api_server.database_url, api.account.tenant_id
    caller.key = add_key(url, tenant, "restricted", permissions=["customers:write"])
    assert "'audit:read'" in caller.get(ENTRIES).error["message"]
    caller.key = add_key(url, tenant, "restricted", permissions=["audit:read"])
    assert caller.get(ENTRIES).status == 200


CANARIES = ("4242424242424242", "314159", "Passw0rd!", "_secret_", "whsec_")


def test_no_secret_is_in_the_trail(api: Api) -> None:
    card = {"number": CANARIES[0], "exp_month": 12, "exp_year": 2034, "cvc": CANARIES[1]}
    api.post("/v1/payment_methods", type="card", card=card)
    paid = api.pay(payment_method="pm_card_threeDSecure2Required", return_url="https://a.example")
    assert paid["next_action"] is not None
    endpoint = api.post("/v1/webhook_endpoints", url=LISTENER, enabled_events=["*"])
    api.post(f"/v1/webhook_endpoints/{endpoint['id']}/roll_secret")
    api.post("/v1/customers", description=f"told: {paid['client_secret']} {endpoint['secret']}")
    text = api.get(ENTRIES, limit=100).content.decode()
    secrets = [*CANARIES[:2], paid["client_secret"], endpoint["secret"], api.key]
    assert not [secret for secret in secrets if secret in text]
    assert "[redacted]" in text
