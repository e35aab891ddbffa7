"""Checkpoints as callers see them."""

from __future__ import annotations

import pytest

from guilder_server.ledger.infra.signing import Signer, is_signed
from tests.ledger.keeping import account, moved
from tests.support.api import Api, ApiServer
from tests.support.chained import SIGNING_KEY, chain

CHECKPOINTS = "/v1/ledger/checkpoints"


@pytest.fixture
def kept(api: Api, api_server: ApiServer) -> Api:
    """Books with two checkpoints."""
    bank, sales = account(api), account(api)
    for _ in range(2):
        moved(api, bank, sales, 500)
        moved(api, bank, sales, 500)
        chain(api_server.database_url)
    return api


def test_checkpoints_are_listed_newest_first_and_found_by_their_id(kept: Api) -> None:
    found = kept.get(CHECKPOINTS)["data"]
    assert [one["position"] for one in found] == [4, 2]
    assert [one["transactions"] for one in found] == [4, 2]
    for one in found:
        assert kept.get(f"{CHECKPOINTS}/{one['id']}").body == one
    after = kept.get(CHECKPOINTS, starting_after=found[0]["id"])
    assert [one["id"] for one in after["data"]] == [found[1]["id"]]


def test_a_checkpoint_is_signed_over_what_it_shows(kept: Api) -> None:
    one = kept.get(CHECKPOINTS)["data"][0]
    assert one["signed"] == (
        "guilder ledger checkpoint 1\n"
        f"account {kept.account.account}\n"
        "livemode false\n"
        f"position {one['position']}\n"
        f"head {one['head']}\n"
        f"created {one['created']}\n"
    )
    key, signature = bytes.fromhex(one["public_key"]), bytes.fromhex(one["signature"])
    assert key == Signer(SIGNING_KEY).public_key
    assert is_signed(one["signed"], key, signature)
    assert not is_signed(one["signed"] + " ", key, signature)


def test_a_ledger_that_has_not_grown_gets_no_other_checkpoint(
    kept: Api, api_server: ApiServer
) -> None:
    before = kept.get(CHECKPOINTS).body
    chain(api_server.database_url)
    assert kept.get(CHECKPOINTS).body == before


def test_a_checkpoint_that_does_not_exist_is_not_found(api: Api) -> None:
    answer = api.get(f"{CHECKPOINTS}/lc_none")
    assert (answer.status, answer.error["code"]) == (404, "resource_missing")
    assert answer.error["param"] == "checkpoint"
