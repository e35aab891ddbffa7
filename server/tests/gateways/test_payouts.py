"""What every gateway that pays out must do, and how the sandbox plays the bank."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from guilder_server.gateways import (
    Answer,
    Approved,
    Arrived,
    Attempt,
    Declined,
    Gateway,
    NotFound,
    Passage,
    PayOutRequest,
    Pending,
    Unknown,
    ask,
    attempts,
    call,
    follow,
    stop,
)
from guilder_server.gateways.domain.requests import restored, stored
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.gateways.infra.sandbox_payouts import DESTINATIONS
from guilder_server.kernel.clock import ManualClock, SystemClock
from tests.gateways.asking import NOW, attempt_id, usd
from tests.support.composed import PlayedGateway
from tests.support.http_gateway import GatewayProcess, HttpGateway

pytestmark = pytest.mark.anyio
TIMEOUT_MS = 10_000


def pay_out(destination: str | None = "ba_1", **wishes: object) -> PayOutRequest:
    given = {"attempt_id": attempt_id(), "made_at": NOW, "money": usd(2000), **wishes}
    return PayOutRequest(destination=destination, **given)  # type: ignore[arg-type]


def begun(gateway: Gateway, request: PayOutRequest) -> Attempt:
    return attempts.begin(request, subject_id="po_1", gateway=gateway.name, lease_until=NOW)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway") / "record.db") as running:
        yield running


@pytest.fixture(params=["sandbox", "elsewhere", "http"])
async def gateway(
    request: pytest.FixtureRequest, process: GatewayProcess
) -> AsyncIterator[Gateway]:
    if request.param == "sandbox":
        yield Sandbox(SystemClock(), b"key")
        return
    if request.param == "elsewhere":
        yield PlayedGateway(SystemClock())
        return
    adapter = HttpGateway(process.url)
    yield adapter
    await adapter.close()


async def test_a_payout_is_sent_once_however_often_it_is_asked_for(gateway: Gateway) -> None:
    assert gateway.capabilities.payouts
    request = pay_out()
    first = await call(gateway, request, TIMEOUT_MS)
    assert isinstance(first, Approved)
    assert await call(gateway, request, TIMEOUT_MS) == first
    assert await ask(gateway, begun(gateway, request)) == first


async def test_a_bank_that_says_no_is_an_outcome_with_a_reason(gateway: Gateway) -> None:
    answer = await call(gateway, pay_out("ba_noAccount"), TIMEOUT_MS)
    assert isinstance(answer, Declined)
    assert answer.reason == "no_account"
    assert answer.message


async def test_what_was_sent_arrives(gateway: Gateway) -> None:
    request = pay_out()
    await call(gateway, request, TIMEOUT_MS)
    assert await follow(gateway, begun(gateway, request)) == Arrived()


async def test_what_was_sent_is_not_stopped(gateway: Gateway) -> None:
    request = pay_out()
    await call(gateway, request, TIMEOUT_MS)
    assert isinstance(await stop(gateway, begun(gateway, request)), Approved)
    assert await follow(gateway, begun(gateway, request)) == Arrived()


async def test_stopping_what_the_gateway_does_not_know_settles_nothing() -> None:
    class Forgetful(PlayedGateway):
        async def cancel_payout(self, request: PayOutRequest) -> Answer:
            return NotFound()

    gateway = Forgetful(SystemClock())
    assert isinstance(await stop(gateway, begun(gateway, pay_out())), Unknown)


async def test_trouble_with_the_network_is_no_exception() -> None:
    class Away(PlayedGateway):
        async def cancel_payout(self, request: PayOutRequest) -> Answer:
            raise OSError("away")

        async def find_payout(self, request: PayOutRequest) -> Passage:
            raise ValueError("not understood")

    gateway = Away(SystemClock())
    assert isinstance(await stop(gateway, begun(gateway, pay_out())), Unknown)
    assert isinstance(await follow(gateway, begun(gateway, pay_out())), Unknown)


@pytest.mark.parametrize(
    "request_", [pay_out(), pay_out(None), pay_out(method="instant", statement_descriptor="S")]
)
def test_a_request_is_kept_and_restored(request_: PayOutRequest) -> None:
    r = request_
    assert restored("pay_out", r.attempt_id, r.made_at, r.money, stored(r)) == r


# What the sandbox answers at once, and what it says of what was sent after so many seconds.
ANSWERS: dict[str, tuple[type, list[tuple[float, type]]]] = {
    "1": (Approved, [(1.9, Pending), (2, Arrived), (86_400, Arrived)]),
    "noAccount": (Declined, []),
    "accountClosed": (Declined, []),
    "debitNotAuthorized": (Declined, []),
    "couldNotProcess": (Approved, [(1.9, Pending), (2, Declined)]),
    "returned": (Approved, [(2, Arrived), (6.9, Arrived), (7, Declined)]),
    "pending": (Pending, [(6.9, Pending), (7, Arrived)]),
    "unknownOutcome": (Unknown, [(6.9, Pending), (7, Arrived)]),
    "unknownOutcomeNoAccount": (Unknown, []),
}


def test_every_destination_of_the_sandbox_is_in_the_table() -> None:
    assert set(ANSWERS) == {*DESTINATIONS, "1"}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_destination_of_the_sandbox_is_what_its_name_says(name: str) -> None:
    clock = ManualClock(NOW)
    sandbox, request = Sandbox(clock, b"key"), pay_out(f"ba_{name}")
    at_once, later = ANSWERS[name]
    assert isinstance(await call(sandbox, request, TIMEOUT_MS), at_once)
    for seconds, expected in later:
        clock.instant = NOW + timedelta(seconds=seconds)
        assert isinstance(await follow(sandbox, begun(sandbox, request)), expected), seconds


@pytest.mark.parametrize(
    ("seconds", "stopped"), [(0, True), (4.9, True), (5, False), (86_400, False)]
)
async def test_the_sandbox_stops_what_it_has_not_sent(seconds: float, stopped: bool) -> None:
    clock = ManualClock(NOW)
    sandbox, request = Sandbox(clock, b"key"), pay_out("ba_pending")
    clock.instant = NOW + timedelta(seconds=seconds)
    answer = await stop(sandbox, begun(sandbox, request))
    assert isinstance(answer, Declined if stopped else Approved)
