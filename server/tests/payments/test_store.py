"""The stores of payments and attempts: one suite for PostgreSQL and for the stand-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.gateways import CARD_KINDS, PAYOUT_KINDS, Approved, attempts
from guilder_server.gateways.infra.store import ATTEMPTS, PostgresAttempts
from guilder_server.kernel import contact
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import NoSuchReference
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import intents
from guilder_server.payments.infra.store import CHARGES, INTENTS, REFUNDS, PostgresPayments
from guilder_server.payments.ports import Attempts, Store
from guilder_server.postgres.committer import UnwritableChanges
from guilder_server.postgres.mapping import Mapping
from tests.gateways.asking import authorize
from tests.payments.fakes import AttemptsInMemory, PaymentsInMemory, RowsInMemory
from tests.payments.things import NOW, a_captured_charge, a_charge, a_refund, an_intent
from tests.tenancy.database import STRANGER, TENANT, opened

pytestmark = pytest.mark.anyio

LIVE = Tenant(3, "acct_1", livemode=True)
MAPPINGS: list[Mapping[Any]] = [ATTEMPTS, INTENTS, CHARGES, REFUNDS]
SOON, LATER = NOW + timedelta(seconds=1), NOW + timedelta(days=8)

FULL_INTENT = an_intent(
    "requires_action",
    id="pi_full",
    allowed_payment_method_types=["card"],
    capture_method="manual",
    customer_id="cus_1",
    top_up_wallet_id="wal_1",
    wallet_id="wal_2",
    wallet_amount=10,
    wallet_hold_id="whl_1",
    wallet_charge_id="ch_1",
    authenticated_amount=7,
    authentication="failed",
    increments=3,
    description="é \\ \" '",
    receipt_email="ada@example.com",
    setup_future_usage="off_session",
    statement_descriptor="BLUE FISH",
    statement_descriptor_suffix="TWO",
    transfer_group="g",
    return_url="https://shop.example",
    automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
    payment_method_options={"card": {"network": "visa"}},
    shipping=contact.shipping_from({"name": "Ada", "address": {"line1": "Broad Street"}}),
    last_payment_error={"message": "no"},
    metadata={"a": "b"},
)


@dataclass
class Kept:
    payments: Store
    attempts: Attempts
    commit: Callable[[Changes], Awaitable[None]]

    async def add(self, *things: Any, tenant: Tenant = TENANT) -> None:
        await self.commit(Changes(tenant, added=list(things)))


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "memory":
        rows = RowsInMemory()

        async def commit(changes: Changes) -> None:
            rows.commit(changes)

        yield Kept(PaymentsInMemory(rows), AttemptsInMemory(rows), commit)
        return
    url = request.getfixturevalue("database_url")
    async with opened(url, MAPPINGS) as database:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            for tenant in (TENANT, STRANGER, LIVE):
                await _open(connection, tenant)
        payments = PostgresPayments(database.pool, database.reads)
        store = PostgresAttempts(database.pool, database.reads)
        yield Kept(payments, store, database.committer.commit)


async def _open(connection: Any, tenant: Tenant) -> None:
    await connection.execute(
        "INSERT INTO organizations (id, version, created, metadata) "
        "VALUES ('org_1', 1, now(), '{}') ON CONFLICT DO NOTHING"
    )
    await connection.execute(
        "INSERT INTO accounts (id, created, country, default_currency, timezone, metadata, "
        "organization_id) "
        "VALUES (%s, now(), 'US', 'usd', 'UTC', '{}', 'org_1') ON CONFLICT DO NOTHING",
        [tenant.account],
    )
    await connection.execute(
        "INSERT INTO tenants (id, account_id, livemode) OVERRIDING SYSTEM VALUE "
        "VALUES (%s, %s, %s)",
        [tenant.id, tenant.account, tenant.livemode],
    )


async def test_what_is_kept_is_found_as_it_was(kept: Kept) -> None:
    bare, charge = an_intent(), a_captured_charge(payment_intent_id="pi_full", available=NOW)
    charge = replace(charge, fraud_details={"user_report": "safe"}, outcome={"type": "authorized"})
    refund = a_refund("failed", failure_reason="lost", failure_balance_transaction_id="txn_2")
    await kept.add(FULL_INTENT, bare, charge, refund)
    find = kept.payments
    assert await find.intent(TENANT, "pi_full") == FULL_INTENT
    assert await find.intent(TENANT, bare.id) == bare
    assert await find.charge(TENANT, charge.id) == charge
    assert await find.refund(TENANT, refund.id) == refund
    for tenant in (STRANGER, LIVE):
        assert await find.intent(tenant, "pi_full") is None
        assert await find.charge(tenant, charge.id) is None
        assert await find.refund(tenant, refund.id) is None
    assert await find.intent(TENANT, "pi_none") is None


def test_the_full_intent_leaves_little_unsaid() -> None:
    bare = an_intent("requires_action")
    same = [f.name for f in fields(bare) if getattr(bare, f.name) == getattr(FULL_INTENT, f.name)]
    assert set(same) <= {
        *("version", "created", "status", "amount", "currency", "secret", "attempt_id"),
        *("payment_method_types", "payment_method_id", "confirmation_method", "next_action"),
        *("amount_capturable", "amount_received", "latest_charge_id"),
        *("canceled_at", "cancellation_reason"),
    }


async def test_changes_are_found(kept: Kept) -> None:
    await kept.add(an_intent())
    changes = Changes(TENANT)
    after = changes.change(an_intent(), intents.cancel(an_intent(), "abandoned", SOON))
    await kept.commit(changes)
    assert await kept.payments.intent(TENANT, "pi_1") == after


async def test_lists_are_narrowed_and_turn_their_pages(kept: Kept) -> None:
    ids = [f"pi_{number}" for number in range(5)]
    await kept.add(*[an_intent(id=id, customer_id=f"cus_{id[-1] in '13'}") for id in ids])
    await kept.add(an_intent(id="pi_9", customer_id="cus_True"), tenant=STRANGER)

    async def listed(query: ListQuery, **filters: str) -> tuple[list[str], bool]:
        page = await kept.payments.list_intents(TENANT, query, filters)
        return [item.id for item in page.items], page.has_more  # type: ignore[attr-defined]

    assert await listed(ListQuery()) == (ids[::-1], False)
    assert await listed(ListQuery(2)) == (["pi_4", "pi_3"], True)
    assert await listed(ListQuery(2, "pi_3")) == (["pi_2", "pi_1"], True)
    assert await listed(ListQuery(2, ending_before="pi_1")) == (["pi_3", "pi_2"], True)
    assert await listed(ListQuery(), customer_id="cus_True") == (["pi_3", "pi_1"], False)
    with pytest.raises(NoSuchReference, match="No such payment_intent: 'pi_9'"):
        await listed(ListQuery(starting_after="pi_9"))


async def test_charges_and_refunds_are_listed_by_what_they_belong_to(kept: Kept) -> None:
    await kept.add(an_intent(id="pi_1"), an_intent(id="pi_2"))
    await kept.add(
        a_captured_charge(id="ch_1", payment_intent_id="pi_1", customer_id="cus_1"),
        a_captured_charge(id="ch_2", payment_intent_id="pi_2", transfer_group="g"),
    )
    await kept.add(
        a_refund(id="re_1", charge_id="ch_1", payment_intent_id="pi_1"),
        a_refund(id="re_2", charge_id="ch_2", payment_intent_id="pi_2"),
        a_refund(id="re_3", charge_id="ch_1", payment_intent_id="pi_1"),
    )
    for filters, charges in [
        ({"payment_intent_id": "pi_1"}, ["ch_1"]),
        ({"customer_id": "cus_1"}, ["ch_1"]),
        ({"transfer_group": "g"}, ["ch_2"]),
        ({"transfer_group": "g", "customer_id": "cus_1"}, []),
    ]:
        page = await kept.payments.list_charges(TENANT, ListQuery(), filters)
        assert [item.id for item in page.items] == charges  # type: ignore[attr-defined]
    for filters in ({"charge_id": "ch_1"}, {"payment_intent_id": "pi_1"}):
        page = await kept.payments.list_refunds(TENANT, ListQuery(), filters)
        assert [item.id for item in page.items] == ["re_3", "re_1"]  # type: ignore[attr-defined]


async def test_a_payment_that_waits_for_its_customer_is_found_without_a_tenant(kept: Kept) -> None:
    await kept.add(an_intent("requires_action", id="pi_1"), an_intent("succeeded", id="pi_2"))
    await kept.add(an_intent("requires_action", id="pi_3"), tenant=STRANGER)
    await kept.add(an_intent("requires_action", id="pi_4"), tenant=LIVE)
    find = kept.payments.awaiting_customer
    assert await find("pi_1") == (TENANT, an_intent("requires_action", id="pi_1"))
    found = await find("pi_3")
    assert found is not None
    assert found[0] == STRANGER
    for id in ("pi_2", "pi_4", "pi_none"):
        assert await find(id) is None, f"{id} waits for nobody, or for somebody's real bank"


async def test_holds_that_ran_out_are_found_oldest_first(kept: Kept) -> None:
    def held(id: str, days: int = 7, **more: Any) -> Any:
        return a_charge(**{"id": id, "capture_before": NOW + timedelta(days=days), **more})

    await kept.add(an_intent("requires_capture", id="pi_idle"))
    await kept.add(an_intent("requires_capture", id="pi_busy", attempt_id="att_1"))
    await kept.add(
        held("ch_second"),
        held("ch_first", 6, payment_intent_id="pi_idle"),
        held("ch_fresh", 9),
        held("ch_captured", captured=True, amount_captured=2000),
        held("ch_released", released=True),
        held("ch_busy", attempt_id="att_1"),
        held("ch_of_busy", payment_intent_id="pi_busy"),
        a_charge("failed", id="ch_failed"),
        a_captured_charge(id="ch_taken"),
    )
    await kept.add(held("ch_other", 5), tenant=STRANGER)
    find = kept.payments.expired_holds
    assert await find(LATER, 10) == [
        (STRANGER, "ch_other"),
        (TENANT, "ch_first"),
        (TENANT, "ch_second"),
    ]
    assert await find(LATER, 1) == [(STRANGER, "ch_other")]
    assert await find(NOW, 10) == []


async def test_attempts_that_nobody_has_in_hand_are_found(kept: Kept) -> None:
    def begun(id: str, seconds: int) -> Any:
        lease_until = NOW + timedelta(seconds=seconds)
        request = authorize(attempt_id=id)
        return attempts.begin(
            request, subject_id="pi_1", gateway="sandbox", lease_until=lease_until
        )

    lost = attempts.lose(begun("att_lost", 1), "no answer", NOW + timedelta(seconds=3))
    settled = attempts.succeed(begun("att_settled", 1), Approved("ref_1"))
    left = attempts.reconcile(begun("att_left", 1), "a person must look")
    await kept.add(begun("att_due", 5), begun("att_leased", 60), lost, settled, left)
    await kept.add(begun("att_other", 1), tenant=STRANGER)
    await kept.add(replace(begun("att_paying_out", 1), kind="pay_out"))
    due = await kept.attempts.due(NOW + timedelta(seconds=10), 10, CARD_KINDS)
    assert due == [(STRANGER, "att_other"), (TENANT, "att_lost"), (TENANT, "att_due")]
    assert await kept.attempts.due(NOW + timedelta(seconds=10), 1, CARD_KINDS) == due[:1]
    paying_out = await kept.attempts.due(NOW + timedelta(seconds=10), 10, PAYOUT_KINDS)
    assert paying_out == [(TENANT, "att_paying_out")]
    assert await kept.attempts.find(TENANT, "att_lost") == lost
    assert await kept.attempts.find(TENANT, "att_other") is None


@pytest.mark.parametrize(
    "broken",
    [
        an_intent(amount_received=1500, amount_capturable=501),
        an_intent(amount_received=-1),
        an_intent(amount=0),
        a_captured_charge(amount_refunded=2001),
        a_captured_charge(amount_captured=2001),
        a_refund(amount=0),
    ],
)
async def test_the_database_refuses_sums_that_cannot_be(broken: Any, database_url: str) -> None:
    async with opened(database_url, MAPPINGS) as database:
        await database.keep(a_captured_charge(id="ch_of_refund"))
        if hasattr(broken, "charge_id"):
            broken = replace(broken, charge_id="ch_of_refund")
        with pytest.raises(UnwritableChanges, match="check constraint"):
            await database.keep(broken)


async def test_every_list_is_read_from_an_index(database_url: str) -> None:
    """Also the two that know no tenant: they must not walk through everybody's payments."""
    questions = {
        "payment_intents_customer": "SELECT * FROM payment_intents "
        "WHERE tenant_id = 1 AND customer_id = 'cus_1' ORDER BY id DESC LIMIT 10",
        "charges_payment_intent": "SELECT * FROM charges "
        "WHERE tenant_id = 1 AND payment_intent_id = 'pi_1' ORDER BY id DESC LIMIT 10",
        "refunds_charge": "SELECT * FROM refunds "
        "WHERE tenant_id = 1 AND charge_id = 'ch_1' ORDER BY id DESC LIMIT 10",
        "payment_intents_awaiting_customer": "SELECT * FROM payment_intents "
        "WHERE id = 'pi_1' AND status = 'requires_action'",
        "charges_held": "SELECT * FROM charges WHERE capture_before < now() "
        "AND capture_before IS NOT NULL AND NOT captured AND NOT released "
        "ORDER BY capture_before LIMIT 10",
    }
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        for index, question in questions.items():
            lines = connection.execute(f"EXPLAIN {question}").fetchall()
            plan = "\n".join(line for (line,) in lines)
            assert f"using {index} " in plan or f"on {index} " in plan, plan
