"""What is done at the command line stands in the trail of the account that it is done to."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.api import PEPPER, Api, ApiServer
from tests.support.operators import Operator, operator_of


def test_accounts_and_keys_are_told_of_with_who_stood_at_the_desk(
    api: Api, api_server: ApiServer
) -> None:
    operator = Operator(
        {"GUILDER_DATABASE_URL": api_server.database_url, "GUILDER_KEY_PEPPER": PEPPER}
    )
    account = api.account.account
    before = len(api.get("/v1/audit_entries", limit=100)["data"])
    for act in ("suspend", "resume", "resume"):
        assert operator("accounts", act, account).status == 0
    made = operator.json(
        *("keys", "create", "--account", account, "--mode", "live", "--kind", "secret"),
        *("--name", "shop"),
    )
    rolled = operator.json("keys", "roll", made["id"], "--overlap", "1h")
    assert operator("keys", "revoke", made["id"]).status == 0
    assert operator("keys", "revoke", "key_none").status == 1
    listed = api.get("/v1/audit_entries", limit=100)["data"][::-1][before:]
    assert [one["action"] for one in listed] == [
        *("suspend_account", "resume_account", "create_api_key", "create_api_key"),
        *("roll_api_key", "revoke_api_key"),
    ]
    for one in listed:
        assert one["actor"]["type"] == "operator"
        assert one["actor"]["id"].startswith("command line")
        assert one["request"] is None
    [suspended] = listed[0]["changes"]
    assert suspended == {
        "object": "account",
        "id": account,
        "before": {"status": "active"},
        "after": {"status": "suspended"},
    }
    [key] = listed[2]["changes"]
    assert (key["object"], key["id"], key["before"]) == ("api_key", made["id"], None)
    assert key["after"]["name"] == "shop"
    assert key["after"]["livemode"] is True
    assert set(listed[4]["changes"][0]["after"]) == {"expires_at", "replaced_by"}
    assert listed[5]["changes"][0]["before"] == {"revoked_at": None}
    text = api.get("/v1/audit_entries", limit=100).content.decode()
    for document in (made, rolled):
        secrets = [value for value in document.values() if str(value).startswith("sk_")]
        assert not [secret for secret in secrets if secret in text]


def test_organizations_are_told_of_in_the_trail_of_whoever_runs_the_server(
    database_url: str, tmp_path: Path
) -> None:
    operator, file = operator_of(database_url), tmp_path / "trail"
    made = operator.json("organizations", "create", "--name", "Brands")
    account = operator.json("accounts", "create", "--name", "Shoes")
    operator.json("accounts", "create", "--name", "Hats", "--organization", made["id"])
    assert operator("audit", "export", "--operator", "--output", str(file)).status == 0
    entries = [one for one in map(json.loads, file.open()) if one["kind"] == "entry"]
    assert [(one["action"], one["changes"]) for one in entries] == [
        (action, [{"object": "organization", "id": id, "before": None, "after": {"name": name}}])
        for action, id, name in (
            ("create_organization", made["id"], "Brands"),
            ("create_account", account["organization"], "Shoes"),
        )
    ]
    assert {one["actor"]["type"] for one in entries} == {"operator"}
    assert operator("audit", "verify").status == 0
