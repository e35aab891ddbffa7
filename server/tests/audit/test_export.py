"""An export proves itself: with what the documentation says, and nothing of Guilder's."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guilder_server.postgres.signing import is_signed
from tests.audit.trail import entries
from tests.support.api import Api, ApiServer
from tests.support.chained import audited
from tests.support.operators import Operator

DOCUMENT = Path(__file__).parents[3] / "docs" / "audit.md"


@pytest.fixture
def busy(api: Api) -> Api:
    odd = {"a": "line\nbreak\ttab", "b": '"\\ \x7f'}
    api.post("/v1/customers", name="Ünï☕\u2028", metadata=odd)
    customer = api.post("/v1/customers", name="Bo")["id"]
    api.post(f"/v1/customers/{customer}", name="")
    api.pay(2000)
    return api


@pytest.fixture
def operator(api_server: ApiServer) -> Operator:
    return Operator({"GUILDER_DATABASE_URL": api_server.database_url})


def _export(operator: Operator, api: Api, file: Path) -> list[dict[str, Any]]:
    said = operator(
        *("audit", "export", "--account", api.account.account, "--mode", "test"),
        *("--output", str(file)),
    )
    assert (said.status, said.err) == (0, "")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


def test_an_export_has_every_entry_in_the_order_of_the_chain(
    operator: Operator, busy: Api, tmp_path: Path
) -> None:
    head, *body, end = _export(operator, busy, tmp_path / "audit.ndjson")
    assert (head["kind"], head["account"], head["livemode"]) == (
        *("audit", busy.account.account),
        False,
    )
    found = [one for one in body if one["kind"] == "entry"]
    assert end["entries"] == len(found)
    assert [one["position"] for one in body if one["kind"] == "block"] == [
        *range(1, head["position"] + 1)
    ]
    listed = {one["id"]: one for one in entries(busy)}
    mine = [one for one in found if one["actor"]["type"] != "operator"]
    assert [one["id"] for one in mine] == list(listed)
    for one in mine:
        shown = listed[one["id"]]
        assert one["created"] // 1_000_000 == shown["created"]
        for name in ("actor", "action", "request", "changes"):
            assert one[name] == shown[name]
        assert shown["chain"]["position"] <= head["position"]


def test_an_export_is_proved_by_what_the_documentation_says(
    operator: Operator, busy: Api, tmp_path: Path, api_server: ApiServer
) -> None:
    asyncio.run(audited(api_server.database_url))
    file = tmp_path / "audit.ndjson"
    head, *_ = _export(operator, busy, file)
    [program] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program.replace("audit.ndjson", str(file)), names)
    assert names["head"].hex() == head["head"]
    for checkpoint in head["checkpoints"]:
        key, signature = (bytes.fromhex(checkpoint[name]) for name in ("public_key", "signature"))
        assert is_signed(checkpoint["signed"], key, signature)
        assert f"head {checkpoint['head']}\n" in checkpoint["signed"]
    altered = file.read_text().replace('"name":"Bo"', '"name":"Bob"')
    file.write_text(altered)
    with pytest.raises(AssertionError):
        exec(program.replace("audit.ndjson", str(file)), {})


def test_an_altered_trail_is_not_exported(
    operator: Operator, busy: Api, tmp_path: Path, api_server: ApiServer
) -> None:
    asyncio.run(audited(api_server.database_url))
    flip = (
        "UPDATE audit_blocks SET head = sha256(head) WHERE tenant_id = %s AND position = 2 "
        "RETURNING head"
    )
    file = tmp_path / "audit.ndjson"
    with psycopg.connect(api_server.database_url) as connection:
        before = connection.execute(
            "SELECT head FROM audit_blocks WHERE tenant_id = %s AND position = 2",
            [busy.account.tenant_id],
        ).fetchone()
        assert before is not None
        connection.execute(flip, [busy.account.tenant_id])
    arguments = ("--account", busy.account.account, "--mode", "test", "--output", str(file))
    said = operator("audit", "export", *arguments)
    verified = operator("audit", "verify", "--account", busy.account.account)
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute(
            "UPDATE audit_blocks SET head = %s WHERE tenant_id = %s AND position = 2",
            [before[0], busy.account.tenant_id],
        )
    assert (said.status, said.out) == (1, "")
    assert "`guilder audit verify` says more" in said.err
    assert not file.exists()
    assert verified.status == 1
    assert "the head of the chain of" in verified.err
    assert operator("audit", "verify", "--account", busy.account.account).status == 0


def test_what_cannot_be_exported_says_why(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "file"
    arguments = ("--account", "acct_none", "--mode", "test", "--output", str(file))
    said = operator("audit", "export", *arguments)
    assert (said.status, "There is no account acct_none" in said.err) == (1, True)
    nowhere = tmp_path / "no" / "file"
    arguments = ("--account", "acct_none", "--mode", "test", "--output", str(nowhere))
    assert operator("audit", "export", *arguments).status == 2
