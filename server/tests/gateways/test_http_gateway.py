"""Through a gateway that drops replies and is killed, no card is charged twice or never."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from guilder_server.gateways import (
    Approved,
    Declined,
    NotFound,
    Outcome,
    Request,
    Unknown,
    ask,
    attempts,
    call,
)
from tests.gateways.asking import NOW, authorize, capture, refund, usd
from tests.support.http_gateway import GatewayProcess, HttpGateway

pytestmark = pytest.mark.anyio


@pytest.fixture
def process(tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path / "record.db") as running:
        yield running


async def swept(gateway: HttpGateway, request: Request, outcome: Outcome) -> Outcome:
    """What the sweeper finds out, asking until it knows."""
    for _ in range(50):
        if not isinstance(outcome, Unknown):
            return outcome
        attempt = attempts.begin(
            request,
            subject_id="ch",
            gateway="http",
            lease_until=NOW + timedelta(seconds=1),
        )
        found = await ask(gateway, attempt, timeout_ms=2_000)
        assert not isinstance(found, NotFound)
        outcome = found
    return outcome


async def test_dropped_replies_charge_each_card_exactly_once(process: GatewayProcess) -> None:
    process.temper(drop_before=0.3, drop_after=0.3, seed=7)
    gateway = HttpGateway(process.url)
    requests = [authorize("good", money=usd(100 + number)) for number in range(40)]
    outcomes = await asyncio.gather(*(call(gateway, each, 2_000) for each in requests))
    settled = [await swept(gateway, *pair) for pair in zip(requests, outcomes, strict=True)]
    await gateway.close()
    process.temper(drop_before=0, drop_after=0)
    ledger = process.ledger()
    assert all(isinstance(outcome, Approved) for outcome in settled)
    charged = Counter(entry["id"] for entry in ledger["requests"])
    assert charged == Counter(each.attempt_id for each in requests)
    assert ledger["captured"] == sum(each.money.amount for each in requests)
    assert min(ledger["dropped"].values()) > 5


async def test_a_reply_that_is_too_late_is_found_out_by_asking(process: GatewayProcess) -> None:
    process.temper(delay_ms=1_000)
    gateway = HttpGateway(process.url)
    outcome = await call(gateway, authorize("good"), timeout_ms=1_600)
    await gateway.close()
    assert isinstance(outcome, Approved)


async def test_a_request_overtaken_by_its_own_resending_is_carried_out_once(
    process: GatewayProcess,
) -> None:
    # Asked after 800 ms it knows nothing yet: the first request is carried out at 1200, the
    # second at 2000.
    process.temper(delay_ms=2_400)
    gateway = HttpGateway(process.url)
    request = authorize("good")
    lost = await call(gateway, request, timeout_ms=1_600)
    assert isinstance(lost, Unknown)
    assert isinstance(await swept(gateway, request, lost), Approved)
    await gateway.close()
    ledger = process.ledger()
    for _ in range(50):
        if ledger["requests"][0]["received"] == 2:
            break
        await asyncio.sleep(0.1)
        ledger = process.ledger()
    assert [entry["received"] for entry in ledger["requests"]] == [2]
    assert ledger["captured"] == 2000


async def test_what_it_charged_outlives_a_kill(process: GatewayProcess) -> None:
    gateway = HttpGateway(process.url)
    before = authorize("good")
    assert isinstance(await call(gateway, before, 5_000), Approved)
    process.kill()
    during = authorize("good")
    lost = await call(gateway, during, 500)
    assert isinstance(lost, Unknown)
    process.start()
    assert isinstance(await swept(gateway, before, Unknown("asked again")), Approved)
    assert isinstance(await swept(gateway, during, lost), Approved)
    await gateway.close()
    ledger = process.ledger()
    assert [entry["id"] for entry in ledger["requests"]] == [before.attempt_id, during.attempt_id]
    assert ledger["captured"] == 4000


async def test_it_keeps_its_own_books(process: GatewayProcess) -> None:
    gateway = HttpGateway(process.url)
    hold = await call(gateway, authorize("good", capture=False), 5_000)
    assert isinstance(hold, Approved)
    too_much = await call(gateway, capture(hold.reference, "good", 2001), 5_000)
    assert isinstance(too_much, Declined)
    assert isinstance(await call(gateway, capture(hold.reference, "good", 1500), 5_000), Approved)
    assert isinstance(await call(gateway, refund(hold.reference, "good", 1000), 5_000), Approved)
    assert isinstance(await call(gateway, refund(hold.reference, "good", 501), 5_000), Declined)
    await gateway.close()
    ledger = process.ledger()
    assert (ledger["captured"], ledger["refunded"]) == (1500, 1000)


async def test_an_id_cannot_be_used_for_two_different_requests(process: GatewayProcess) -> None:
    gateway = HttpGateway(process.url)
    one = authorize("good")
    other = authorize("good", attempt_id=one.attempt_id, money=usd(1))
    first = await call(gateway, one, 5_000)
    # The gateway refuses; asked what it knows of this id, it tells of the first request.
    assert await call(gateway, other, 5_000) == first
    await gateway.close()
    assert process.ledger()["captured"] == 2000
