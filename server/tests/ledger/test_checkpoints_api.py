"""Checkpoints as callers see them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guilder_server.postgres.signing import Signer, is_signed
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


def _documented(account: str, shown: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The example of the documentation, run as a reader would."""
    page = Path(__file__).parents[3] / "docs" / "ledger.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return subprocess.run(
        [sys.executable, "-c", program, account],
        input=json.dumps({"data": [shown]}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_program_verifies_a_checkpoint(kept: Api) -> None:
    one = kept.get(CHECKPOINTS)["data"][0]
    done = _documented(kept.account.account, one)
    assert (done.returncode, done.stderr) == (0, "")
    for named, shown in (
        (kept.account.account, {**one, "position": one["position"] + 1}),
        ("acct_other", one),
    ):
        done = _documented(named, shown)
        assert done.returncode == 1
        assert "InvalidSignature" in done.stderr


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
