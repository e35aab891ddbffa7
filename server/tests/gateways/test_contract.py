"""What every gateway must do, run over each that there is.

A new adapter joins by a line in `gateway`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from guilder_server.gateways import (
    ActionRequired,
    Approved,
    Declined,
    Gateway,
    Instrument,
    NotFound,
    RawCard,
    call,
)
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import SystemClock
from guilder_server.kernel.errors import CardDeclined
from guilder_server.kernel.money import Money
from tests.gateways.asking import NOW, authorize, capture, increment, refund, usd, void
from tests.support.http_gateway import GatewayProcess, HttpGateway

pytestmark = pytest.mark.anyio
TIMEOUT_MS = 10_000


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway") / "record.db") as running:
        yield running


@pytest.fixture(params=["sandbox", "http"])
async def gateway(
    request: pytest.FixtureRequest, process: GatewayProcess
) -> AsyncIterator[Gateway]:
    if request.param == "sandbox":
        yield Sandbox(SystemClock(), b"key")
        return
    adapter = HttpGateway(process.url)
    yield adapter
    await adapter.close()


def known(gateway: Gateway, token: str = "pm_card_visa") -> Instrument:
    instrument = gateway.instrument(token)
    assert instrument is not None
    return instrument


async def held(gateway: Gateway, amount: int = 2000) -> Approved:
    request = authorize(known(gateway).token, capture=False, money=usd(amount))
    outcome = await call(gateway, request, TIMEOUT_MS)
    assert isinstance(outcome, Approved)
    return outcome


async def test_a_card_is_charged_at_once_or_only_held(gateway: Gateway) -> None:
    card = known(gateway).token
    for at_once in (True, False):
        outcome = await call(gateway, authorize(card, capture=at_once), TIMEOUT_MS)
        assert isinstance(outcome, Approved)
        assert outcome.captured == at_once
        assert outcome.reference


async def test_an_attempt_sent_twice_is_carried_out_once(gateway: Gateway) -> None:
    assert gateway.capabilities.deduplicates
    request = authorize(known(gateway).token)
    first = await call(gateway, request, TIMEOUT_MS)
    assert await call(gateway, request, TIMEOUT_MS) == first


async def test_asking_tells_what_became_of_an_attempt(gateway: Gateway) -> None:
    for token in ("pm_card_visa", "pm_card_chargeDeclined"):
        request = authorize(known(gateway, token).token)
        outcome = await call(gateway, request, TIMEOUT_MS)
        assert await gateway.query(request) == outcome


async def test_asking_about_an_attempt_that_was_never_sent_moves_no_money(
    gateway: Gateway, process: GatewayProcess
) -> None:
    before = process.ledger()
    found = await gateway.query(authorize(known(gateway).token))
    # A gateway without a record of its own answers as if it had been asked to do it.
    assert isinstance(found, Approved if gateway.capabilities.in_process else NotFound)
    assert process.ledger() == before


async def test_a_declining_card_is_an_outcome_and_not_an_exception(gateway: Gateway) -> None:
    for token, decline_code in (
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ):
        outcome = await call(gateway, authorize(known(gateway, token).token), TIMEOUT_MS)
        assert isinstance(outcome, Declined)
        assert (outcome.code, outcome.decline_code) == ("card_declined", decline_code)
        assert outcome.message.startswith("Your card")


async def test_a_customer_who_must_authenticate_is_charged_afterwards(gateway: Gateway) -> None:
    request = authorize(known(gateway, "pm_card_authenticationRequired").token)
    assert isinstance(await call(gateway, request, TIMEOUT_MS), ActionRequired)
    proven = replace(request, attempt_id=f"{request.attempt_id}b", authentication="succeeded")
    assert isinstance(await call(gateway, proven, TIMEOUT_MS), Approved)
    absent = replace(request, attempt_id=f"{request.attempt_id}c", off_session=True)
    outcome = await call(gateway, absent, TIMEOUT_MS)
    assert isinstance(outcome, Declined)
    assert outcome.code == "authentication_required"


async def test_a_hold_is_captured_in_part_and_refunded_in_parts(gateway: Gateway) -> None:
    card = known(gateway).token
    hold = await held(gateway)
    taken = await call(gateway, capture(hold.reference, card, 1500), TIMEOUT_MS)
    assert isinstance(taken, Approved)
    assert taken.captured
    for amount in (500, 1000):
        back = await call(gateway, refund(hold.reference, card, amount), TIMEOUT_MS)
        assert isinstance(back, Approved)


async def test_a_hold_is_released(gateway: Gateway) -> None:
    hold = await held(gateway)
    released = await call(gateway, void(hold.reference, known(gateway).token), TIMEOUT_MS)
    assert isinstance(released, Approved)


async def test_a_hold_is_raised_where_that_is_declared(gateway: Gateway) -> None:
    hold = await held(gateway)
    raised = await call(gateway, increment(hold.reference, known(gateway).token), TIMEOUT_MS)
    able = gateway.capabilities.incremental_authorization
    assert isinstance(raised, Approved if able else Declined)


async def test_a_good_card_can_be_kept_on_file(gateway: Gateway) -> None:
    assert gateway.attachable(known(gateway).token) is None


async def test_a_card_becomes_an_instrument_without_its_number(gateway: Gateway) -> None:
    year = SystemClock().now().year + 2
    card = gateway.tokenize(RawCard("4242424242424242", 3, year, "737"))
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 3, year)
    assert "42424242" not in repr(card)
    assert "737" not in repr(card).replace(card.fingerprint, "")
    assert card.fingerprint == known(gateway).fingerprint
    with pytest.raises(CardDeclined):
        gateway.tokenize(RawCard("4242424242424241", 3, year, "737"))


async def test_a_fee_is_never_more_than_the_amount(gateway: Gateway) -> None:
    for amount in (0, 1, 29, 50, 999, 99_999_999):
        for currency in ("usd", "jpy", "kwd"):
            assert Money(0, currency) <= gateway.fee(Money(amount, currency))
            assert gateway.fee(Money(amount, currency)) <= Money(amount, currency)


async def test_money_is_not_available_before_it_was_captured(gateway: Gateway) -> None:
    available = gateway.available_on(known(gateway).token, NOW)
    assert NOW <= available <= NOW + timedelta(days=7)
