"""The trail is written with what it tells of, for whoever did it, and chained by any number of
workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from guilder_server.audit.infra import chaining
from guilder_server.audit.infra.chaining import PostgresAuditChain
from guilder_server.audit.verification.chain import Walk
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.trail import append, append_now, blocks
from tests.support.api import new_account
from tests.support.chained import audited
from tests.support.composed import Composed, PlayedGateway, composed

pytestmark = pytest.mark.anyio

ENTRIES = "/v1/audit_entries"
_MODES = """
SELECT livemode, position IS NOT NULL FROM audit_blocks b JOIN tenants t ON t.id = b.tenant_id
WHERE b.id = %s
"""
_COUNTS = "SELECT count(*), sum(greatest(length(locators) / 4, 1)) FROM audit_blocks"


async def _entries(story: Composed, **filters: Any) -> list[dict[str, Any]]:
    found = (await story.get(ENTRIES, limit=100, **filters)).json()["data"][::-1]
    return [one for one in found if one["actor"]["type"] != "operator"]


async def test_what_jobs_do_is_told_of_under_their_names(fresh_database_url: str) -> None:
    async with composed(fresh_database_url) as story:
        held = await story.post(
            "/v1/payment_intents",
            amount=900,
            currency="usd",
            confirm="true",
            payment_method="pm_card_visa",
            capture_method="manual",
        )
        story.clock.advance(timedelta(days=8))
        await story.sweep("expire_holds")
        found = await _entries(story, actor_type="job")
        assert {(one["action"], one["actor"]["id"]) for one in found} == {
            ("expire_holds", "expire_holds")
        }
        assert all(one["request"] is None for one in found)
        touched = [(c["id"], c["after"].get("status")) for one in found for c in one["changes"]]
        assert (held.json()["id"], "canceled") in touched
        assert await story.sweep("expire_holds") == 0
        assert await _entries(story, actor_type="job") == found


async def test_what_a_job_finds_out_about_a_lost_reply_is_told_of_as_the_jobs(
    fresh_database_url: str,
) -> None:
    async with composed(fresh_database_url, gateway_timeout_ms=100) as story:
        story.gateway.deaf = True
        await story.post(
            "/v1/payment_intents",
            amount=900,
            currency="usd",
            confirm="true",
            payment_method="pm_card_visa",
        )
        story.gateway.deaf = False
        story.clock.advance(timedelta(minutes=5))
        assert await story.sweep("resolve_attempts") >= 1
        begun, *_, ended = await _entries(story)
        assert (begun["actor"]["type"], begun["action"]) == ("api_key", "create_payment_intent")
        assert ended["actor"] == {"address": None, "id": "resolve_attempts", "type": "job"}
        assert (ended["action"], ended["request"]) == ("resolve_attempts", None)
        changed = {one["object"]: one for one in ended["changes"]}
        assert changed["payment_intent"]["before"]["status"] == "processing"
        assert changed["payment_intent"]["after"]["status"] == "succeeded"


async def test_a_request_whose_process_died_is_told_of_with_what_it_asked_for(
    fresh_database_url: str,
) -> None:
    async with composed(fresh_database_url) as dying:
        dying.gateway.hold()
        asking = asyncio.create_task(
            dying.post(
                "/v1/payment_intents",
                key="one",
                amount=900,
                currency="usd",
                confirm="true",
                payment_method="pm_card_visa",
            )
        )
        await dying.gateway.reached()
        account = dying.account
        gateway = PlayedGateway(dying.clock)
        gateway.carried = dying.gateway.carried
        async with composed(fresh_database_url, gateway, account) as heir:
            heir.clock.advance(timedelta(minutes=5))
            assert await heir.sweep("resolve_attempts") == 1
            begun, ended = await _entries(heir)
        dying.gateway.let_go()
        await asking
    assert begun["actor"]["type"] == "api_key"
    assert ended["actor"] == {"address": None, "id": "resolve_attempts", "type": "job"}
    assert begun["action"] == ended["action"] == "create_payment_intent"
    assert begun["request"] == ended["request"] is not None


async def test_concurrent_requests_of_several_accounts_each_have_their_entry(
    fresh_database_url: str,
) -> None:
    async with composed(fresh_database_url) as story:
        accounts = [new_account(fresh_database_url) for _ in range(3)]
        headers = [{"Authorization": f"Bearer {one.secret_key}"} for one in accounts]

        async def make(number: int) -> str:
            answer = await story.client.post(
                "/v1/customers", data={"name": f"{number}"}, headers=headers[number % 3]
            )
            return str(answer.json()["id"])

        made = await asyncio.gather(*map(make, range(60)))
        for number, header in enumerate(headers):
            listed = await story.client.get(
                ENTRIES, params={"limit": 100, "action": "create_customer"}, headers=header
            )
            found = [one["changes"][0]["id"] for one in listed.json()["data"]]
            assert sorted(found) == sorted(made[number::3])
            assert len({one["id"] for one in listed.json()["data"]}) == 20
        async with await psycopg.AsyncConnection.connect(fresh_database_url) as connection:
            cursor = await connection.execute(_COUNTS)
            row = await cursor.fetchone()
            assert row is not None
            # Together in a row: fewer rows than entries.
            assert row[0] < row[1]


async def test_workers_beside_one_another_leave_no_gap(fresh_database_url: str) -> None:
    async with composed(fresh_database_url) as story, _pools(fresh_database_url, 3) as pools:
        stop = asyncio.Event()

        async def chain(pool: Pool) -> None:
            while not stop.is_set():
                await PostgresAuditChain(pool).extend()

        chains = [asyncio.create_task(chain(pool)) for pool in pools]
        for _ in range(10):
            await asyncio.gather(*(story.post("/v1/customers", name=f"{n}") for n in range(5)))
        stop.set()
        await asyncio.gather(*chains)
        await audited(fresh_database_url)
        async with await psycopg.AsyncConnection.connect(fresh_database_url) as connection:
            walk = Walk(connection, None, {}, incremental=False)
            await walk.run()
            assert (walk.waiting, walk.entries >= 50) == (0, True)
        chained = await _entries(story, action="create_customer")
        assert len({one["chain"]["hash"] for one in chained}) >= 2


@asynccontextmanager
async def _pools(url: str, count: int) -> AsyncIterator[list[Pool]]:
    pools = [Pool(url) for _ in range(count)]
    for pool in pools:
        await pool.open()
    try:
        yield pools
    finally:
        for pool in pools:
            await pool.close()


def _entry(**given: Any) -> AuditEntry:
    ids = Ids(SystemClock())
    return AuditEntry(
        **{
            "id": ids.new("aud"),
            "created": datetime.now(UTC),
            "actor": Actor("user", "usr_1", "2001:db8::1"),
            "action": "change_password",
            "object": "user",
            "object_id": "usr_1",
            "after": {"password_hash": "canary", "changed_at": datetime(2026, 11, 20, tzinfo=UTC)},
        }
        | given
    )


async def test_an_entry_that_is_appended_stands_in_both_modes_and_is_chained(
    fresh_database_url: str,
) -> None:
    async with composed(fresh_database_url) as story:
        one, other = _entry(), _entry(action="sign_in")
        async with await psycopg.AsyncConnection.connect(fresh_database_url) as connection:
            await append(connection, story.account.account, one)
        engine = sa.create_engine(
            sa.make_url(fresh_database_url).set(drivername="postgresql+psycopg")
        )
        with engine.begin() as now:
            append_now(now, story.account.account, other)
        for entry in (one, other):
            found = (await story.get(f"{ENTRIES}/{entry.id}")).json()
            assert (found["id"], found["action"]) == (entry.id, entry.action)
        assert found["changes"] == [
            {
                "object": "user",
                "id": "usr_1",
                "before": None,
                "after": {"password_hash": "[redacted]", "changed_at": "2026-11-20T00:00:00Z"},
            }
        ]
        await audited(fresh_database_url)
        found = (await story.get(f"{ENTRIES}/{one.id}")).json()
        assert found["chain"]["position"] >= 1
        with psycopg.connect(fresh_database_url) as connection:
            modes = connection.execute(_MODES, [one.id]).fetchall()
        assert sorted(modes) == [(False, True), (True, True)]


async def test_an_entry_goes_with_the_transaction_that_it_is_in(fresh_database_url: str) -> None:
    async with composed(fresh_database_url) as story:
        async with await psycopg.AsyncConnection.connect(fresh_database_url) as connection:
            await append(connection, story.account.account, entry := _entry())
            await connection.rollback()
            for wrong in (
                (story.account.account, _entry(id="aud_1")),
                ("acct_none", _entry()),
            ):
                with pytest.raises(ValueError, match="audit trail"):
                    await append(connection, *wrong)
                await connection.rollback()
        assert (await story.get(f"{ENTRIES}/{entry.id}")).status_code == 404


async def test_rounds_of_the_worker_are_bounded(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaining, "_AT_ONCE", 2)
    async with composed(fresh_database_url) as story, _pools(fresh_database_url, 1) as [pool]:
        for n in range(5):
            await story.post("/v1/customers", name=f"{n}")
        chain = PostgresAuditChain(pool)
        assert await chain.extend() >= 5
        assert await chain.extend() == 0


def test_ids_of_a_full_block_are_all_different() -> None:
    first = "aud_" + "0" * 24
    ids = [blocks.entry_id(first, n) for n in range(blocks.MOST_LINES)]
    assert ids == sorted(set(ids))
