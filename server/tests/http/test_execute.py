"""Carrying out requests: guards, keys, refusals, and gateways that live elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from guilder_server.http.call import Call
from guilder_server.http.execute import TRIES
from guilder_server.http.snapshots import teller_of
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.errors import (
    CardDeclined,
    Conflict,
    IdempotencyMismatch,
    InvalidRequest,
    KeyInUse,
    Refused,
    Unavailable,
)
from guilder_server.kernel.steps import Awaiting, Done, Step
from tests.http.small import (
    NOW,
    TENANT,
    VIEWS,
    Customer,
    Memory,
    Payment,
    Refund,
    call,
    executor,
)

pytestmark = pytest.mark.anyio
Handle = Callable[[Call], Awaitable[object]]


@pytest.fixture
def memory() -> Memory:
    return Memory()


async def create(asked: Call) -> Step:
    """A handler that writes a payment and tells of it."""
    changes = Changes(asked.tenant)
    number = asked.params.get("number", 1)
    payment = changes.add(Payment(f"pay_{number}", asked.params["amount"], asked.params.get("who")))
    changes.record("payment.created", payment)
    return Done(payment, changes)


async def refuse_undecided(asked: Call) -> Step:
    raise InvalidRequest("parameter_invalid", "No.", "amount")


def handler(*results: object) -> Handle:
    """A handler that gives one result after another."""
    left = list(results)

    async def handle(asked: Call) -> object:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return handle


class Gateway:
    """A gateway elsewhere, and the handler that asks it."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.asked = 0
        self.resumed = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.recovery: dict[str, Any] = {}
        self.losses = 0
        self.trouble: Exception | None = None

    async def handle(self, asked: Call) -> Step:
        changes = Changes(asked.tenant)
        payment = changes.add(Payment("pay_1", asked.params["amount"]))
        changes.record("payment.created", payment)
        self.recovery = asked.recovery()
        return Awaiting(changes, self._ask, lambda outcome: self._resume(payment, outcome))

    async def _ask(self) -> str:
        self.asked += 1
        assert (1, "pay_1") in self.memory.rows
        return await self.answer

    async def _resume(self, payment: Payment, outcome: str) -> Step:
        self.resumed += 1
        if self.losses:
            self.losses -= 1
            raise GuardLost(payment.id)
        if self.trouble:
            raise self.trouble
        return self.finish(payment, outcome)

    @staticmethod
    def finish(payment: Payment, outcome: str) -> Done:
        changes = Changes(TENANT)
        paid = changes.change(payment, replace(payment, metadata={"outcome": outcome}))
        changes.record("payment.paid", paid, previous=payment)
        return Done(paid, changes)


async def test_the_answer_is_what_was_committed(memory: Memory) -> None:
    answer = await executor(memory).run(create, call(amount=5))
    assert answer.status == 200
    assert json.loads(answer.body) == VIEWS.render(memory.rows[1, "pay_1"], TENANT)
    [(event, payload)] = memory.events()
    assert event == "payment.created"
    assert payload["data"]["object"] == json.loads(answer.body)
    assert payload["request"] == {"id": "req_1", "idempotency_key": None}


async def test_a_read_commits_nothing(memory: Memory) -> None:
    answer = await executor(memory).run(
        handler(Payment("pay_1", 5)), call("retrieve_payment", path={"payment": "pay_1"})
    )
    assert json.loads(answer.body)["id"] == "pay_1"
    assert memory.commits == []


async def test_a_lost_guard_decides_again(memory: Memory) -> None:
    memory.lost = [GuardLost("x"), GuardLost("x")]
    assert (await executor(memory).run(create, call(amount=5))).status == 200
    assert len(memory.commits) == 1


async def test_too_many_lost_guards_are_a_conflict(memory: Memory) -> None:
    memory.lost = [GuardLost("x")] * TRIES
    answer = await executor(memory).run(create, call(amount=5))
    assert answer.status == 409
    assert json.loads(answer.body)["error"]["code"] == Conflict.code
    assert memory.commits == []


async def test_a_key_replays_the_same_bytes(memory: Memory) -> None:
    run = executor(memory).run
    first = await run(create, call(amount=5, key="k"))
    again = await run(create, call(amount=5, key="k", request_id="req_2"))
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers == ((b"idempotent-replayed", b"true"),)
    assert len(memory.commits) == 1
    assert memory.keys[1, "k"].status == 200
    assert memory.answered("k") == first.body


async def test_an_answer_that_an_event_tells_is_kept_once(memory: Memory) -> None:
    run = executor(memory).run
    await run(create, call(amount=5, key="k"))
    await run(create, call(amount=5, key="expanded", expand=("customer",)))
    (event,) = memory.commits[0].events
    assert teller_of(memory.keys[1, "k"].response) == event.id
    assert teller_of(memory.keys[1, "expanded"].response) is None


async def test_many_callers_with_one_key_have_one_effect(memory: Memory) -> None:
    run = executor(memory).run
    calls = [call(amount=5, key="k", request_id=f"req_{n}") for n in range(32)]
    answers = await asyncio.gather(*(run(create, one) for one in calls))
    assert len({answer.body for answer in answers}) == 1
    assert len(memory.commits) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 6},
        {"amount": 5, "expand": ("customer",)},
        {"amount": 5, "operation": "update_customer", "path": {"customer": "c"}},
    ],
)
async def test_a_key_stands_for_one_request_only(memory: Memory, other: dict[str, Any]) -> None:
    run = executor(memory).run
    await run(create, call(amount=5, key="k"))
    with pytest.raises(IdempotencyMismatch):
        await run(create, call(key="k", **other))


async def test_a_key_replays_although_the_wish_would_be_refused_now(memory: Memory) -> None:
    run = executor(memory).run
    first = await run(create, call(amount=5, key="k"))
    for trouble in (refuse_undecided, handler(Conflict("busy")), handler(ZeroDivisionError())):
        again = await run(trouble, call(amount=5, key="k"))
        assert (again.status, again.body) == (200, first.body)


async def test_a_decided_refusal_is_kept_under_the_key(memory: Memory) -> None:
    run = executor(memory).run
    first = await run(
        handler(Refused("amount_too_small", "No.", "amount")), call(amount=1, key="k")
    )
    assert (first.status, memory.keys[1, "k"].status) == (400, 400)
    again = await run(create, call(amount=1, key="k"))
    assert (again.status, again.body) == (400, first.body)
    assert memory.rows == {}


async def test_an_undecided_refusal_is_not_kept(memory: Memory) -> None:
    run = executor(memory).run
    refused = await run(refuse_undecided, call(amount=1, key="k"))
    assert refused.status == 400
    assert memory.keys == {}
    assert (await run(create, call(amount=1, key="k"))).status == 200


async def test_a_refusal_commits_what_it_learned(memory: Memory) -> None:
    changes = Changes(TENANT)
    payment = changes.add(Payment("pay_1", 5))
    declined = CardDeclined("card_declined", "Declined.", "generic_decline", subject=payment)
    answer = await executor(memory).run(
        handler(Done(None, changes, declined)), call(amount=5, key="k")
    )
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["type"]) == (402, "card_error")
    assert told["payment"] == VIEWS.render(payment, TENANT)
    assert (1, "pay_1") in memory.rows
    assert memory.keys[1, "k"].status == 402


async def test_an_answer_of_500_is_never_kept(memory: Memory) -> None:
    done = Done(None, Changes(TENANT), Unavailable("The gateway is down."))
    answer = await executor(memory).run(handler(done), call(amount=5, key="k"))
    assert answer.status == 503
    assert memory.keys == {}


async def test_a_lost_commit_is_unavailable(memory: Memory) -> None:
    memory.lost = [Unavailable("lost")]
    with pytest.raises(Unavailable):
        await executor(memory).run(create, call(amount=5, key="k"))


async def test_a_fault_is_raised(memory: Memory) -> None:
    for key in (None, "k"):
        with pytest.raises(ZeroDivisionError):
            await executor(memory).run(handler(ZeroDivisionError()), call(amount=5, key=key))
    assert memory.keys == {}


async def test_expansion_sees_what_is_only_now_committed(memory: Memory) -> None:
    changes = Changes(TENANT)
    customer = changes.add(Customer("cus_1", "Ada"))
    payment = changes.add(Payment("pay_1", 5, customer.id))
    changes.add(Refund("re_1", payment.id))
    changes.record("payment.created", payment)
    answer = await executor(memory).run(
        handler(Done(payment, changes)), call(amount=5, expand=("customer", "refunds"))
    )
    shown = json.loads(answer.body)
    assert shown["customer"]["name"] == "Ada"
    assert shown["refunds"]["data"][0]["id"] == "re_1"
    [(_, payload)] = memory.events()
    assert payload["data"]["object"] == VIEWS.render(payment, TENANT)


async def test_a_path_that_cannot_expand_is_refused_before_anything_happens(
    memory: Memory,
) -> None:
    with pytest.raises(InvalidRequest, match="cannot be expanded"):
        await executor(memory).run(create, call(amount=5, expand=("amount",)))
    assert memory.commits == []


async def test_a_gateway_is_asked_between_two_commits(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    answer = await executor(memory).run(gateway.handle, call(amount=5, key="k"))
    assert json.loads(answer.body)["metadata"] == {"outcome": "approved"}
    started, finished = (changes.key for changes in memory.commits)
    assert started is not None
    assert finished is not None
    assert (started.status, started.fence, started.finishes) == (0, "req_1", None)
    assert started.lease_until is not None
    assert (started.lease_until - NOW).total_seconds() == 60
    assert (finished.status, finished.finishes) == (200, "req_1")
    assert [event for event, _ in memory.events()] == ["payment.created", "payment.paid"]


async def test_a_gateway_is_asked_without_a_key_too(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    assert (await executor(memory).run(gateway.handle, call(amount=5))).status == 200
    assert memory.keys == {}


async def test_a_key_whose_request_is_running_is_in_use(memory: Memory) -> None:
    gateway, run = Gateway(memory), executor(memory).run
    first = asyncio.create_task(run(gateway.handle, call(amount=5, key="k")))
    await asyncio.sleep(0.01)
    with pytest.raises(KeyInUse):
        await run(gateway.handle, call(amount=5, key="k", request_id="req_2"))
    with pytest.raises(IdempotencyMismatch):
        await run(gateway.handle, call(amount=6, key="k", request_id="req_3"))
    gateway.answer.set_result("approved")
    answer = await first
    again = await run(gateway.handle, call(amount=5, key="k", request_id="req_4"))
    assert again.body == answer.body
    assert gateway.asked == 1


async def test_the_outcome_is_decided_on_again_but_never_asked_for_again(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    gateway.losses = 7
    assert (await executor(memory).run(gateway.handle, call(amount=5, key="k"))).status == 200
    assert (gateway.asked, gateway.resumed) == (1, 8)


async def test_a_refusal_after_the_gateway_finishes_the_key(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    gateway.trouble = Refused("payment_intent_unexpected_state", "Too late.")
    answer = await executor(memory).run(gateway.handle, call(amount=5, key="k"))
    assert (answer.status, memory.keys[1, "k"].status) == (400, 400)


async def test_a_fault_after_the_gateway_leaves_the_key_to_the_sweeper(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    gateway.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await executor(memory).run(gateway.handle, call(amount=5, key="k"))
    assert memory.keys[1, "k"].status == 0


async def test_a_caller_that_goes_away_does_not_stop_a_payment(memory: Memory) -> None:
    gateway, running = Gateway(memory), executor(memory)
    request = asyncio.create_task(running.run(gateway.handle, call(amount=5, key="k")))
    await asyncio.sleep(0.01)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    draining = asyncio.create_task(running.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()
    gateway.answer.set_result("approved")
    await draining
    assert memory.keys[1, "k"].status == 200
    assert memory.rows[1, "pay_1"].version == 2


async def test_a_sweeper_answers_for_a_process_that_died(memory: Memory) -> None:
    gateway, died = Gateway(memory), executor(memory)
    request = asyncio.create_task(died.run(gateway.handle, call(amount=5, key="k")))
    await asyncio.sleep(0.01)
    recovery = json.loads(json.dumps(gateway.recovery))

    other = executor(memory)
    payment = memory.rows[1, "pay_1"]
    assert isinstance(payment, Payment)
    await other.settle(TENANT, Gateway.finish(payment, "found"), recovery)
    kept = memory.keys[1, "k"]
    assert kept.status == 200
    assert json.loads(memory.answered("k"))["metadata"] == {"outcome": "found"}
    assert memory.events()[-1][1]["request"] == {"id": "req_1", "idempotency_key": "k"}

    # The first process lives on after all: it answers what the sweeper has answered.
    gateway.answer.set_result("approved")
    answer = await request
    assert answer.body == memory.answered("k")
    assert (b"idempotent-replayed", b"true") in answer.headers
    assert len(memory.commits) == 2


async def test_a_sweeper_settles_what_an_answer_left_open(memory: Memory) -> None:
    gateway, running = Gateway(memory), executor(memory)
    gateway.answer.set_result("unknown")
    answer = await running.run(gateway.handle, call(amount=5, key="k"))
    payment = memory.rows[1, "pay_1"]
    assert isinstance(payment, Payment)
    await running.settle(TENANT, Gateway.finish(payment, "found"), gateway.recovery)
    assert memory.rows[1, "pay_1"].version == 3
    assert memory.answered("k") == answer.body
    with pytest.raises(GuardLost):
        await running.settle(TENANT, Gateway.finish(payment, "again"), gateway.recovery)


async def test_a_job_settles_without_a_request(memory: Memory) -> None:
    memory.put(Payment("pay_1", 5))
    done = Gateway.finish(Payment("pay_1", 5), "expired")
    await executor(memory).settle(TENANT, done)
    [(event, payload)] = memory.events()
    assert (event, payload["request"]) == ("payment.paid", {"id": None, "idempotency_key": None})


async def test_a_job_may_ask_a_gateway_too(memory: Memory) -> None:
    gateway = Gateway(memory)
    gateway.answer.set_result("approved")
    step = await gateway.handle(call(amount=5))
    await executor(memory).settle(TENANT, step)
    assert [event for event, _ in memory.events()] == ["payment.created", "payment.paid"]


async def test_a_sweeper_keeps_a_refusal_and_the_expansions_that_were_asked_for(
    memory: Memory,
) -> None:
    gateway, running = Gateway(memory), executor(memory)
    memory.put(Customer("cus_1", "Ada"))
    asked = call(amount=5, key="k", expand=("customer",))
    request = asyncio.create_task(running.run(gateway.handle, asked))
    await asyncio.sleep(0.01)
    changes = Changes(TENANT)
    payment = changes.change(Payment("pay_1", 5), Payment("pay_1", 5, "cus_1"))
    await running.settle(TENANT, Done(payment, changes), gateway.recovery)
    assert json.loads(memory.answered("k"))["customer"]["name"] == "Ada"
    gateway.answer.set_result("approved")
    await request


async def test_a_sweeper_may_ask_a_gateway_for_a_process_that_died(memory: Memory) -> None:
    gateway, died = Gateway(memory), executor(memory)
    request = asyncio.create_task(died.run(gateway.handle, call(amount=5, key="k")))
    await asyncio.sleep(0.01)
    payment = memory.rows[1, "pay_1"]
    assert isinstance(payment, Payment)

    async def ask() -> str:
        return "voided"

    async def resume(outcome: str) -> Step:
        return Gateway.finish(payment, outcome)

    step = Awaiting(Changes(TENANT), ask, resume)
    await executor(memory).settle(TENANT, step, gateway.recovery)
    assert json.loads(memory.answered("k"))["metadata"] == {"outcome": "voided"}
    gateway.answer.set_result("approved")
    assert (b"idempotent-replayed", b"true") in (await request).headers


async def test_a_sweeper_that_comes_after_the_answer_lets_it_stand(memory: Memory) -> None:
    gateway, running = Gateway(memory), executor(memory)
    gateway.answer.set_result("approved")
    answer = await running.run(gateway.handle, call(amount=5, key="k"))

    async def ask() -> str:
        return "late"

    async def resume(outcome: str) -> Step:
        raise Refused("payment_intent_unexpected_state", "Too late.")

    step = Awaiting(Changes(TENANT), ask, resume)
    await running.settle(TENANT, step, gateway.recovery)
    assert memory.answered("k") == answer.body
