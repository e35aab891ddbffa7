"""Requests on their way into the log, with a writer that the test plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from guilder_server.http.contract import Contract
from guilder_server.http.seen import Seen
from guilder_server.kernel.clock import ManualClock
from guilder_server.request_logs.domain.entry import RequestLog
from guilder_server.request_logs.domain.redaction import ANY
from guilder_server.request_logs.recorder import Recorder
from tests.http.small import CONTRACT
from tests.http.small import call as small_call

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Written:
    def __init__(self) -> None:
        self.entries: list[RequestLog] = []
        self.batches: list[int] = []
        self.broken = False
        self.tried = 0
        self.closed = False

    async def write(self, entries: Sequence[tuple[int, RequestLog]]) -> None:
        await asyncio.sleep(0)
        self.tried += 1
        if self.broken:
            raise ConnectionError
        self.batches.append(len(entries))
        self.entries += [entry for _, entry in entries]

    async def close(self) -> None:
        self.closed = True


def recorder(written: Written, sample: int = 100, **bounds: int) -> Recorder:
    allowed = dict.fromkeys(CONTRACT.operations, ANY)
    return Recorder(written, ManualClock(NOW), bytes, allowed, sample, **bounds)


def seen(number: int = 1, status: int = 200, contract: Contract = CONTRACT) -> Seen:
    call = small_call()
    error = b'{"error": {"code": "card_declined", "message": "no"}}'
    return Seen(
        f"req_{number}",
        "POST",
        "/v1/payments",
        began=10.0,
        ended=10.25,
        operation=contract.operations["create_payment"],
        credential=call.credential,
        params={"amount": "5"},
        size=10,
        status=status,
        answer=error if status >= 400 else b'{"id": "pay_1", "client_secret": "abc"}',
    )


async def eventually(condition: object) -> None:
    for _ in range(300):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def test_a_request_is_written_as_it_was_without_its_secrets() -> None:
    written = Written()
    log = recorder(written)
    log.start()
    log.record(seen())
    log.record(seen(2, status=402))
    await eventually(lambda: len(written.entries) == 2)
    await log.close()
    first, second = written.entries
    assert (first.id, first.latency_ms, first.status, first.error_code) == ("req_1", 250, 200, None)
    assert (NOW - first.created).total_seconds() == 0.25
    assert (first.actor_kind, first.actor_id) == ("api_key", "key_1")
    assert msgspec.json.decode(first.content) == {
        "parameters": {"amount": "5"},
        "response": {"id": "pay_1", "client_secret": "[redacted]"},
        "truncated": False,
    }
    assert second.error_code == "card_declined"
    assert written.batches == [2]


async def test_what_is_refused_is_kept_whatever_is_sampled() -> None:
    written = Written()
    log = recorder(written, sample=0)
    for number in range(50):
        log.record(seen(number, status=429 if number % 5 == 0 else 200))
    await log.close()
    assert [entry.status for entry in written.entries] == [429] * 10


async def test_a_sample_is_about_as_large_as_it_is_set() -> None:
    log = recorder(Written(), sample=25, most=10_000)
    for number in range(2000):
        log.record(seen(number))
    assert 400 < len(log._waiting) < 600


async def test_of_a_flood_the_first_refusals_of_each_second_are_kept() -> None:
    written = Written()
    log = recorder(written)
    for number in range(500):
        log.record(seen(number, status=429))
    assert len(log._waiting) == 20
    later = seen(501, status=429)
    later.ended += 1
    log.record(later)
    assert len(log._waiting) == 21
    assert log.dropped == 0


@pytest.mark.parametrize("bounds", [{"most": 40}, {"heaviest": 20 * (10 + 39)}])
async def test_what_does_not_fit_is_dropped_and_counted_and_nobody_waits(
    bounds: dict[str, int],
) -> None:
    written = Written()
    log = recorder(written, **bounds)
    began = time.perf_counter()
    for number in range(1000):
        log.record(seen(number))
    assert time.perf_counter() - began < 1
    assert log.dropped == 980
    await log.close()
    assert len(written.entries) == 20
    log.record(seen())
    assert len(log._waiting) == 1


async def test_what_went_wrong_has_room_when_what_went_well_has_none() -> None:
    log = recorder(Written(), most=40)
    for number in range(100):
        log.record(seen(number))
    for number in range(100):
        log.record(seen(number, status=500))
    assert [one.status for _, one in log._waiting] == [200] * 20 + [500] * 20


async def test_all_that_waits_is_written_at_the_end() -> None:
    written = Written()
    log = recorder(written)
    log.start()
    for number in range(750):
        log.record(seen(number))
    await log.close()
    assert len(written.entries) == 750
    assert written.closed


async def test_a_database_that_is_away_costs_log_lines_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("guilder_server.request_logs.recorder._REST", 1)  # after a failure
    written = Written()
    log = recorder(written)
    log.start()
    written.broken = True
    log.record(seen(1))
    await eventually(lambda: written.tried == 1)
    written.broken = False
    log.record(seen(2))
    await eventually(lambda: written.entries)
    await log.close()
    assert [entry.id for entry in written.entries] == ["req_2"]


async def test_a_request_that_cannot_be_kept_takes_no_other_with_it() -> None:
    written = Written()
    log = recorder(written)
    broken = seen(1)
    broken.answer = b"no json"
    log.record(broken)
    log.record(seen(2))
    await log.close()
    assert [entry.id for entry in written.entries] == ["req_2"]
