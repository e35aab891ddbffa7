"""`guilder snapshot show` prints what is stored compressed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from guilder_server.events.snapshots import show
from guilder_server.http.snapshots import told_by
from guilder_server.kernel.changes import Changes, EventRow, KeyClaim
from guilder_server.postgres.seals import Seals
from guilder_server.postgres.snapshots import pack
from tests.postgres.library import NOW, STRANGER, TENANT, Library, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    async with opened(database_url) as library:
        yield library


async def test_an_event_is_printed_as_json(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"data": {"object": {"name": "Zoë"}}}
    payload = pack(json.dumps(said).encode())
    row = EventRow("evt_1", "customer.created", NOW, "cus_1", payload, 1)
    await library.committer.commit(Changes(TENANT, events=[row]))
    assert await show(library.url, "evt_1") == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == said
    assert "Zoë" in printed


async def test_the_answers_under_a_key_are_printed_for_each_tenant(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    for tenant in (TENANT, STRANGER):
        answer = pack(json.dumps({"tenant": tenant.id}).encode())
        key = KeyClaim("key", b"print", 200, answer, NOW)
        await library.committer.commit(Changes(tenant, key=key))
    assert await show(library.url, "key") == 0
    printed = capsys.readouterr().out.replace("}\n{", "}|{").split("|")
    assert [json.loads(one) for one in printed] == [{"tenant": 1}, {"tenant": 2}]


async def test_an_answer_that_an_event_tells_is_printed_from_there(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = pack(json.dumps({"data": {"object": {"name": "Zoë"}}, "request": {}}).encode())
    row = EventRow("evt_1", "customer.created", NOW, "cus_1", payload, 1)
    key = KeyClaim("key", b"print", 200, told_by("evt_1"), NOW)
    await library.committer.commit(Changes(TENANT, events=[row], key=key))
    assert await show(library.url, "key") == 0
    assert json.loads(capsys.readouterr().out) == {"name": "Zoë"}


async def test_of_an_answer_that_holds_a_secret_only_that_it_is_sealed_is_said(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = b'{"secret": "whsec_of_nobody"}'
    for tenant, answer in ((TENANT, Seals("k" * 32).pack(secret)), (STRANGER, pack(b"{}"))):
        key = KeyClaim("key", b"print", 200, answer, NOW)
        await library.committer.commit(Changes(tenant, key=key))
    assert await show(library.url, "key") == 0
    printed = capsys.readouterr()
    # The other answer under the same word is printed all the same.
    assert printed.out == "{}\n"
    assert printed.err.count("sealed") == 1
    assert "whsec" not in printed.err


async def test_what_is_not_there_is_said_so(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await show(library.url, "evt_none") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "evt_none" in printed.err
