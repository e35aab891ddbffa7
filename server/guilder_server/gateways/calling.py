"""Calling a gateway that may be slow, drop its reply or lose the request.

The order is always the same: send; if no answer came, ask what became of it; send again only
where the gateway says it knows nothing of it and is known to carry out one id once. Asking goes
on until the time is over. What remains is `Unknown`, which a sweeper asks about later. Nothing
is moved twice on any path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.outcomes import Answer, NotFound, Outcome, Passage, Unknown
from guilder_server.gateways.domain.requests import (
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    PayOutRequest,
    RefundRequest,
    Request,
    VoidRequest,
)
from guilder_server.gateways.ports import Gateway, ReplyLost, as_paying_out

log = logging.getLogger(__name__)
T = TypeVar("T")

# The first try may use this share of the time; the rest is for asking and sending again.
FIRST_TRY = 0.5
ASKING = 0.5
FIRST_PAUSE_S = 0.1


class _Budget:
    """Time left of one call, so that its steps together end before the attempt's lease does."""

    def __init__(self, timeout_ms: int) -> None:
        self._ends = asyncio.get_running_loop().time() + timeout_ms / 1000

    def share(self, part: float) -> float:
        return self.left() * part

    def left(self) -> float:
        return max(0.0, self._ends - asyncio.get_running_loop().time())


async def call(gateway: Gateway, request: Request, timeout_ms: int) -> Outcome:
    """Carry out `request` and answer within `timeout_ms`, come what may.

    Never raises for trouble with the network, nor for a reply that cannot be understood: the
    card may have been charged by then. A gateway in this process loses no replies.
    """
    if gateway.capabilities.in_process:
        return await send(gateway, request)
    budget = _Budget(timeout_ms)
    outcome = await _answer(send(gateway, request), budget.share(FIRST_TRY))
    if not isinstance(outcome, Unknown):
        return outcome
    found = await _find(gateway, request, budget)
    # A gateway that has not heard of it may hear of it yet: the sweeper decides, later.
    return outcome if isinstance(found, NotFound | Unknown) else found


async def ask(gateway: Gateway, attempt: Attempt, timeout_ms: int = 10_000) -> Answer:
    """What became of an attempt that somebody else left behind, for the sweeper.

    `NotFound`: the gateway does not know it and must not be sent it again; a person must look.
    `Unknown`: no answer this time; ask again later.
    """
    return await _find(gateway, attempt.asked(), _Budget(timeout_ms))


async def stop(gateway: Gateway, attempt: Attempt, timeout_ms: int = 10_000) -> Outcome:
    """Stop a payout, or find out what became of it. What the gateway does not know may be on its
    way there."""
    stopping = as_paying_out(gateway).cancel_payout(_payout_of(attempt))
    found = await _answer(stopping, timeout_ms / 1000)
    return Unknown("the gateway does not know it yet") if isinstance(found, NotFound) else found


async def follow(gateway: Gateway, attempt: Attempt, timeout_ms: int = 10_000) -> Passage:
    """Where the money of a payout is that the gateway has approved."""
    asking = as_paying_out(gateway).find_payout(_payout_of(attempt))
    return await _answer(asking, timeout_ms / 1000)


def _payout_of(attempt: Attempt) -> PayOutRequest:
    request = attempt.asked()
    assert isinstance(request, PayOutRequest), f"{attempt.id} is not for a payout"
    return request


async def send(gateway: Gateway, request: Request) -> Outcome:
    """The port's method for this kind of request."""
    match request:
        case AuthorizeRequest():
            return await gateway.authorize(request)
        case CaptureRequest():
            return await gateway.capture(request)
        case VoidRequest():
            return await gateway.void(request)
        case RefundRequest():
            return await gateway.refund(request)
        case IncrementRequest():
            return await gateway.increment(request)
        case PayOutRequest():
            return await as_paying_out(gateway).pay_out(request)


async def _find(gateway: Gateway, request: Request, budget: _Budget) -> Answer:
    """Asks until it is known, for as long as the time lasts: a gateway that has dropped one reply
    may drop the next one too, and the card's owner is waiting."""
    pause = FIRST_PAUSE_S
    while True:
        found = await _find_once(gateway, request, budget)
        if not isinstance(found, Unknown) or budget.left() < 2 * pause:
            return found
        await asyncio.sleep(pause)
        pause *= 2


async def _find_once(gateway: Gateway, request: Request, budget: _Budget) -> Answer:
    found = await _answer(gateway.query(request), budget.share(ASKING))
    if isinstance(found, NotFound) and gateway.capabilities.deduplicates:
        return await _answer(send(gateway, request), budget.share(1))
    return found


async def _answer(asking: Awaitable[T], timeout_s: float) -> T | Unknown:
    try:
        async with asyncio.timeout(timeout_s):
            return await asking
    except TimeoutError:
        return Unknown("no answer in time")
    except (ReplyLost, OSError) as trouble:
        return Unknown(str(trouble) or type(trouble).__name__)
    except Exception as trouble:
        # A fault of the adapter after the request has left it: the gateway may have acted.
        log.exception("a gateway's answer could not be understood")
        return Unknown(f"answer not understood: {type(trouble).__name__}")
