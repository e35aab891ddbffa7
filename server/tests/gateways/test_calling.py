"""Trouble with the network: what is asked, what is sent again, and what is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from guilder_server.gateways import (
    Answer,
    Approved,
    Capabilities,
    Declined,
    NotFound,
    Outcome,
    ReplyLost,
    Request,
    Unknown,
    ask,
    attempts,
    call,
)
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import ManualClock
from tests.gateways.asking import NOW, authorize, capture, increment, refund, void

pytestmark = pytest.mark.anyio

DONE = Approved("ref_1")
NO = Declined("card_declined", "Your card was declined.")
LOST = ReplyLost("dropped")
NEVER = "never answers"


@dataclass
class Scripted(Sandbox):
    """A gateway whose replies are written down beforehand. It holds what it was asked."""

    sent: Sequence[Any] = ()
    found: Sequence[Any] = ()
    deduplicates: bool = True
    heard: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(ManualClock(NOW), b"key")
        self.capabilities = Capabilities(in_process=False, deduplicates=self.deduplicates)
        self._replies = {"send": iter(self.sent), "query": iter(self.found)}

    async def _reply(self, what: str, request: Request) -> Any:
        self.heard.append(what)
        self.ids.add(request.attempt_id)
        reply = next(self._replies[what])
        if reply is NEVER:
            await asyncio.sleep(60)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def authorize(self, request: Any) -> Outcome:
        answer: Outcome = await self._reply("send", request)
        return answer

    capture = void = refund = increment = authorize

    async def query(self, request: Any) -> Any:
        answer: Answer = await self._reply("query", request)
        return answer


CALLS = [
    # what sending answers, what asking answers, whether it deduplicates: what is heard, the outcome
    ([DONE], [], True, ["send"], DONE),
    ([NO], [], True, ["send"], NO),
    ([LOST], [DONE], True, ["send", "query"], DONE),
    ([LOST], [NO], True, ["send", "query"], NO),
    ([Unknown("?")], [DONE], True, ["send", "query"], DONE),
    ([NEVER], [DONE], True, ["send", "query"], DONE),
    ([OSError()], [DONE], True, ["send", "query"], DONE),
    ([KeyError("outcome")], [DONE], True, ["send", "query"], DONE),
    ([LOST, DONE], [NotFound()], True, ["send", "query", "send"], DONE),
    ([LOST], [NotFound()], False, ["send", "query"], Unknown("dropped")),
    ([LOST], [LOST], True, ["send", "query"], Unknown("dropped")),
    ([LOST], [NEVER], True, ["send", "query"], Unknown("dropped")),
    ([LOST, LOST], [NotFound()], True, ["send", "query", "send"], Unknown("dropped")),
]


@pytest.mark.parametrize(("sent", "found", "deduplicates", "heard", "outcome"), CALLS)
async def test_a_lost_reply_is_asked_about_and_sent_again_only_where_that_is_safe(
    sent: list[Any], found: list[Any], deduplicates: bool, heard: list[str], outcome: Outcome
) -> None:
    gateway = Scripted(sent, found, deduplicates)
    assert await call(gateway, authorize(), timeout_ms=100) == outcome
    assert gateway.heard == heard
    assert len(gateway.ids) == 1


async def test_asking_goes_on_until_the_time_is_over() -> None:
    gateway = Scripted([LOST], [LOST, NEVER, DONE])
    assert await call(gateway, authorize(), timeout_ms=1_000) == DONE
    assert gateway.heard == ["send", "query", "query", "query"]
    lease = NOW + timedelta(seconds=30)
    left_behind = attempts.begin(authorize(), subject_id="ch", gateway="x", lease_until=lease)
    assert await ask(Scripted([], [LOST, LOST, DONE]), left_behind, timeout_ms=1_000) == DONE


async def test_a_call_ends_in_time_however_slow_the_gateway() -> None:
    gateway = Scripted([NEVER, NEVER], [NEVER])
    began = time.monotonic()
    assert isinstance(await call(gateway, authorize(), timeout_ms=200), Unknown)
    assert time.monotonic() - began < 2


async def test_cancelling_a_call_is_not_swallowed() -> None:
    calling = asyncio.ensure_future(call(Scripted([NEVER], []), authorize(), timeout_ms=5_000))
    await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


@pytest.mark.parametrize(
    ("sent", "found", "deduplicates", "heard", "answer"),
    [
        ([], [DONE], True, ["query"], DONE),
        ([DONE], [NotFound()], True, ["query", "send"], DONE),
        ([LOST], [NotFound()], True, ["query", "send"], Unknown("dropped")),
        ([], [NotFound()], False, ["query"], NotFound()),
        ([], [LOST], False, ["query"], Unknown("dropped")),
        ([], [NEVER], True, ["query"], Unknown("no answer in time")),
    ],
)
async def test_a_sweeper_asks_first(
    sent: list[Any], found: list[Any], deduplicates: bool, heard: list[str], answer: Answer
) -> None:
    gateway = Scripted(sent, found, deduplicates)
    lease = NOW + timedelta(seconds=30)
    attempt = attempts.begin(authorize(), subject_id="ch", gateway="x", lease_until=lease)
    assert await ask(gateway, attempt, timeout_ms=100) == answer
    assert gateway.heard == heard
    assert gateway.ids == {attempt.id}


async def test_each_kind_of_request_goes_to_its_own_method() -> None:
    sandbox = Sandbox(ManualClock(NOW), b"key")
    for request in (authorize(), capture("r"), void("r"), refund("r"), increment("r")):
        assert await call(sandbox, request, 1_000) == await sandbox.query(request)


async def test_a_gateway_in_this_process_is_called_directly_and_its_faults_are_ours() -> None:
    gateway = Scripted([KeyError("a fault")], [])
    gateway.capabilities = replace(gateway.capabilities, in_process=True)
    with pytest.raises(KeyError):
        await call(gateway, authorize(), timeout_ms=100)
